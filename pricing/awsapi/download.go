package awsapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// statusError is an HTTP answer that is not the file. The SDK's retryer asks
// for its HTTPStatusCode.
type statusError struct{ code int }

func (e *statusError) Error() string {
	return fmt.Sprintf("HTTP status %d %s", e.code, http.StatusText(e.code))
}
func (e *statusError) HTTPStatusCode() int { return e.code }

// document fetches a JSON file and reads it as a stream. Attempts to begin are
// repeated as the SDK repeats its requests; a stream that breaks is an error.
func (r *run) document(ctx context.Context, s step, address string, read func(*document) error) error {
	answer, err := r.get(ctx, address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	defer answer.Body.Close()
	in := &input{ctx: ctx, from: answer.Body}
	if r.Progress != nil {
		p := Progress{Feed: s.feed, Region: s.region, From: s.from, Total: max(answer.ContentLength, 0)}
		in.progress = func(read int64) { p.Bytes = read; r.Progress(p) }
	}
	d := newDocument(in)
	if err := read(d); err != nil {
		return fmt.Errorf("%s: %w", address, d.at(err))
	}
	return nil
}

func (r *run) get(ctx context.Context, address string) (*http.Response, error) {
	var retryer aws.Retryer = retry.NewStandard()
	if r.Config.Retryer != nil {
		retryer = r.Config.Retryer()
	}
	for attempt := 1; ; attempt++ {
		answer, err := r.getOnce(ctx, address)
		if err == nil || attempt >= retryer.MaxAttempts() || !retryer.IsErrorRetryable(err) {
			return answer, err
		}
		delay, delayErr := retryer.RetryDelay(attempt, err)
		if delayErr != nil {
			return nil, err
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (r *run) getOnce(ctx context.Context, address string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	client := r.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, &statusError{answer.StatusCode}
	}
	return answer, nil
}

// priceList reads the price-list file of a region, once for all feeds.
func (r *run) priceList(ctx context.Context, s step) (batch, error) {
	got, ok := r.lists[s.region]
	if !ok {
		got.listing, got.err = r.readPriceList(ctx, s)
		r.lists[s.region] = got
	}
	if got.err != nil {
		return batch{}, got.err
	}
	return got.listing.only(s.feed), nil
}

// readPriceList looks the file up in the index of regions and reads it.
func (r *run) readPriceList(ctx context.Context, s step) (*listing, error) {
	var index struct {
		Regions map[string]struct {
			URL string `json:"currentVersionUrl"`
		} `json:"regions"`
	}
	if err := r.document(ctx, s, r.PriceListURL, func(d *document) error { return d.decode(&index) }); err != nil {
		return nil, err
	}
	file, ok := index.Regions[s.region]
	if !ok {
		return nil, fmt.Errorf("%s: no price list of %s", r.PriceListURL, s.region)
	}
	base, err := url.Parse(r.PriceListURL)
	if err != nil {
		return nil, err
	}
	address, err := base.Parse(file.URL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.PriceListURL, err)
	}
	l := newListing([]string{s.region}, true, true)
	return l, r.document(ctx, s, address.String(), func(d *document) error {
		err := d.object(func(key string) error { return l.readKey(d, key) })
		if err != nil {
			return err
		}
		_, err = l.finish(0)
		return err
	})
}
