package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/eiplan/eiplan/pricing"
)

// The catalogues that --catalog can name, besides files.
const (
	snapshotName = "snapshot" // the one in the program; the default everywhere, so that machines agree
	cacheName    = "cache"    // the newest that refresh or import left in the user's cache folder
)

func addCatalogFlag(f *pflag.FlagSet, name *string) {
	f.StringVar(name, "catalog", snapshotName, "catalogue of types and prices: snapshot, cache (what prices refresh or import made last) or a file that they saved")
}

// openCatalog opens the catalogue that --catalog names.
func openCatalog(name string) (*pricing.Catalog, error) {
	if name == snapshotName {
		return pricing.Snapshot(), nil
	}
	file := name
	if name == cacheName {
		newest, err := newestCached()
		if err != nil {
			return nil, err
		}
		file = newest
	}
	stored, err := os.ReadFile(file)
	if err != nil {
		e := usageError("--catalog: %w", err)
		e.hint = "--catalog takes snapshot, cache or a file that eiplan prices refresh --save FILE wrote"
		return nil, e
	}
	c, err := pricing.Open(stored)
	if err != nil {
		return nil, usageError("--catalog: %s: %w", file, err)
	}
	return c, nil
}

// cachePattern is the name of a catalogue in the cache, with the time at which
// it was made, so that the order of names is that of age.
const cachePattern = "catalogue-%s.bin"

func cacheFolder() (string, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		return "", usageError("no cache folder: %w", err)
	}
	return filepath.Join(folder, "eiplan"), nil
}

// newestCached is the file of the newest catalogue in the cache.
func newestCached() (string, error) {
	folder, err := cacheFolder()
	if err != nil {
		return "", err
	}
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", usageError("--catalog cache: %w", err)
	}
	if cached := catalogsOf(entries); len(cached) > 0 {
		return filepath.Join(folder, cached[len(cached)-1]), nil
	}
	e := usageError("--catalog cache: there is no catalogue in %s", folder)
	e.hint = "eiplan prices refresh or eiplan prices import makes one"
	return "", e
}

// catalogsOf are the names of catalogues in a folder, the oldest first.
func catalogsOf(entries []fs.DirEntry) []string {
	prefix, suffix, _ := strings.Cut(cachePattern, "%s")
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), suffix) {
			names = append(names, e.Name())
		}
	}
	return names
}

// cacheKeeps is how many catalogues stay in the cache.
const cacheKeeps = 5

// pruneCache removes all but the newest catalogues of the cache and counts them.
func pruneCache() (removed int, err error) {
	folder, err := cacheFolder()
	if err != nil {
		return 0, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return 0, usageError("cache: %w", err)
	}
	cached := catalogsOf(entries)
	for _, name := range cached[:max(0, len(cached)-cacheKeeps)] {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			return removed, usageError("cache: %w", err)
		}
		removed++
	}
	return removed, nil
}

// storeCatalog writes a catalogue to a file or, where none is named, to the
// cache, and returns the file's name.
func storeCatalog(file string, t pricing.Tables) (string, *pricing.Catalog, error) {
	stored, err := pricing.Encode(t)
	if err != nil {
		return "", nil, usageError("the new catalogue: %w", err)
	}
	c, err := pricing.Open(stored)
	if err != nil {
		return "", nil, fmt.Errorf("the new catalogue can't be read back: %w", err)
	}
	if file == "" {
		folder, err := cacheFolder()
		if err != nil {
			return "", nil, err
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return "", nil, usageError("cache: %w", err)
		}
		file = filepath.Join(folder, fmt.Sprintf(cachePattern, now().Format("2006-01-02T150405Z")))
	}
	return file, c, writeFile(file, stored)
}
