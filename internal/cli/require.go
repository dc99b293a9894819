package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck/provider"
)

// requireRule judges what --require asks for.
const requireRule = "provider.not-authorized"

// requireFlag adds --require.
func (j *judging) requireFlag(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&j.require, "require", nil, "a service that the SPF record has to let send, such as zendesk: is it authorised, and by which term? (repeatable)")
	var ids []string
	for _, p := range provider.Builtin().All() {
		ids = append(ids, p.ID+"\t"+p.Name)
	}
	complete(cmd, "require", ids...)
}

// required checks and lowers the ids of --require.
func (j *judging) required() error {
	const most = 32
	if len(j.require) > most {
		return fmt.Errorf("--require: %d services, and at most %d can be asked for", len(j.require), most)
	}
	for i, id := range j.require {
		id = strings.ToLower(id)
		if provider.Builtin().Get(id) == nil {
			return fmt.Errorf("--require: no service %q%s", id, nearService(id))
		}
		j.require[i] = id
	}
	return nil
}

// nearService suggests ids of which the id or the name is like what was written.
func nearService(id string) string {
	var alike []string
	plain := strings.NewReplacer("-", "", " ", "", "_", "", ".", "")
	want := plain.Replace(id)
	for _, p := range provider.Builtin().All() {
		have, name := plain.Replace(p.ID), plain.Replace(strings.ToLower(p.Name))
		switch {
		case want == "":
		case distance(want, have) <= max(1, len(have)/4), strings.Contains(name, want), strings.Contains(want, have):
			alike = append(alike, p.ID)
		}
	}
	const most = 8
	if len(alike) == 0 {
		var ids []string
		for _, p := range provider.Builtin().All() {
			ids = append(ids, p.ID)
		}
		return ": want one of " + strings.Join(ids, ", ")
	}
	slices.Sort(alike)
	return ": did you mean " + strings.Join(alike[:min(len(alike), most)], ", ") + "?"
}

// distance is the number of octets to put in, take out or change to make b of a, where
// two neighbours that changed places count once.
func distance(a, b string) int {
	if max(len(a), len(b)) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
