package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/eiplan/eiplan/planner"
	"github.com/eiplan/eiplan/planner/report"
	"github.com/eiplan/eiplan/planner/sizing"
)

// addExplain adds --explain, of which the value may be left out.
func addExplain(f *pflag.FlagSet, into *string) {
	f.StringVar(into, "explain", "", "show how the choice of that RANK or on that INSTANCE was predicted and priced, or why it lost; all: why every other candidate lost")
	f.Lookup("explain").NoOptDefVal = "1"
}

// instanceName is how instance types are named, whether this catalogue or another has them, with an accelerator or without: c5.large + eia2.medium. No model's
// file is named so.
var instanceName = regexp.MustCompile(`^[a-z][a-z0-9-]*\.(nano|micro|small|medium|large|[0-9]*xlarge|metal(-[a-z0-9]+)?)( *\+.*)?$`)

// joinExplain writes --explain VALUE as --explain=VALUE. The flag's value may be left out, so that the next word belongs to it only if it can be one: a
// rank, all, or an instance type, with an accelerator or without.
func joinExplain(args []string) []string {
	i := slices.Index(args, "--explain")
	if i < 0 || i+1 == len(args) || slices.Contains(args[:i], "--") {
		return args
	}
	value := args[i+1]
	_, err := strconv.Atoi(value)
	if err != nil && value != sizing.ExplainAll && !instanceName.MatchString(value) {
		return args
	}
	return slices.Concat(args[:i], []string{"--explain=" + value}, args[i+2:])
}

// explained adds the choice that --explain asks about to a report that ranks it too low to list it.
func (p *planFlags) explained(r *sizing.Report, request planner.Request) error {
	name := p.explain
	_, err := strconv.Atoi(name)
	byDefault := func(row planner.RejectedRow) bool { return row.Instance == name && row.Reason == planner.NotByDefault }
	if err == nil || name == "" || name == sizing.ExplainAll || r.Find(name) != nil || slices.ContainsFunc(r.Status.Rejected.Rows, byDefault) {
		return nil
	}
	instance, accelerator, paired := strings.Cut(strings.ReplaceAll(name, " ", ""), "+")
	request.Constraints.Instances, request.Top = []string{instance}, 1
	if paired {
		request.Constraints.Accelerators = []string{accelerator}
	}
	plan, err := planner.Solve(request)
	if err != nil {
		return usageError("--explain: %w", err)
	}
	if r.Status.Explained = plan.Best; plan.Best != nil {
		r.Status.Explained.Rank = 0
	}
	return nil
}

// explainsOne refuses --explain of other than the plan of one model.
func explainsOne(but string) error {
	e := usageError("--explain explains the plan of one model, and %s", but)
	e.hint = "eiplan plan --measured FILE --explain, for one of the models"
	return e
}

// unexplained hints at what can be asked for.
func unexplained(err error) error {
	var missing *sizing.UnexplainedError
	if !errors.As(err, &missing) {
		return err
	}
	e := usageError("--explain %w", err)
	e.hint = fmt.Sprintf("it lists ranks 1 to %d of %s, and every candidate by instance type; --top lists more", missing.Listed, report.Count(missing.Feasible))
	return e
}
