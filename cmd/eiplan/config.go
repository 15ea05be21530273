package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/eiplan/eiplan/pricing"
)

// configFile is read from the working directory when --config names no other.
const configFile = ".eiplan.yaml"

// instead names the flag that, where the command line states it, takes the place of one in the environment or the file.
var instead = map[string]string{"latency": "total", "total": "latency", "reserve": "latency", "output": "format", "format": "output"}

// settle gives every flag that the command line does not state its value from the environment (EIPLAN_MAX_COMMIT for --max-commit) or the
// configuration file (max-commit), in that order, and checks the flags that all commands share.
func (a *app) settle(cmd *cobra.Command) error {
	v := viper.New()
	v.SetEnvPrefix("EIPLAN")
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	v.AutomaticEnv()
	if f := cmd.Flags().Lookup("config"); !f.Changed {
		if file := os.Getenv("EIPLAN_CONFIG"); file != "" {
			a.config = file
		}
	}
	if err := a.readConfig(v, cmd.Root()); err != nil {
		return err
	}
	var failed error
	stated := map[string]bool{}
	cmd.Flags().Visit(func(f *pflag.Flag) { stated[f.Name] = true })
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		switch {
		case failed != nil || stated[f.Name] || stated[instead[f.Name]] || !v.IsSet(f.Name):
			return
		case f.Name == "config" || f.Name == "help" || f.Value.Type() == "file":
			return
		}
		for _, value := range values(v.Get(f.Name)) {
			if err := cmd.Flags().Set(f.Name, value); err != nil {
				failed = usageError("%s %q (from the environment or %s): %w", f.Name, value, cmp.Or(a.config, configFile), err)
				return
			}
		}
	})
	if failed != nil {
		return failed
	}
	return a.checkOutput()
}

// values are a flag's settings, of which a list holds several.
func values(v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = fmt.Sprint(x)
	}
	return out
}

// readConfig reads the configuration file and refuses keys that are no flag of any command.
func (a *app) readConfig(v *viper.Viper, root *cobra.Command) error {
	file := a.config
	if file == "" {
		if _, err := os.Stat(configFile); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		file = configFile
	}
	v.SetConfigFile(file)
	v.SetConfigType("yaml")
	if err := v.ReadInConfig(); err != nil {
		return usageError("%s: %w", file, err)
	}
	known := flagNames(root)
	for _, key := range slices.Sorted(slices.Values(v.AllKeys())) {
		if slices.Contains(known, key) {
			continue
		}
		e := usageError("%s: unknown key %q", file, key)
		e.hint = didYouMean(pricing.Nearest(key, known))
		return e
	}
	a.config = file
	return nil
}

// flagNames lists the flags of all commands, which are the keys that a configuration file may have.
func flagNames(root *cobra.Command) []string {
	var names []string
	add := func(f *pflag.Flag) {
		if f.Name != "config" && f.Name != "help" && !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	root.PersistentFlags().VisitAll(add)
	for _, c := range root.Commands() {
		c.Flags().VisitAll(add)
		for _, sub := range c.Commands() {
			sub.Flags().VisitAll(add)
		}
	}
	slices.Sort(names)
	return names
}
