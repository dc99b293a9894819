package caa

import (
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// Repair returns the one change of the RRset that cures what can be cured without
// asking anybody: reserved flags go, a CA's name loses quotes, a scheme and a dot at
// its end, a record with several accounts becomes several records, a bare mailbox gets
// mailto:. It returns nil where nothing is wrong, and where the faults leave open what
// is meant. Who may issue is not for it to say.
func Repair(a *Analysis) []check.Change {
	if a == nil {
		return nil
	}
	return slices.Clone(a.repair)
}

// fix is the repair as the fix of a finding about a property, nil where the repair
// leaves that one alone: then the rule's own advice stands.
func (a *Analysis) fix(p *property, summary check.Text) *check.Fix {
	if len(a.repair) == 0 || !slices.Contains(a.repair[0].Old, p.Record.String()) {
		return nil
	}
	return &check.Fix{Summary: summary, Changes: Repair(a)}
}

// The largest RRset, and the longest value, that is worth setting right. They bound
// the work on hostile ones.
const (
	maxRecords = 50
	maxValue   = 1000
)

func repair(a *Analysis) []check.Change {
	if len(a.Records) > maxRecords {
		return nil
	}
	change := check.Change{Name: a.Owner, Type: "CAA"}
	have := map[Record]bool{}
	for _, rec := range a.Records {
		have[rec] = true
	}
	for _, p := range a.properties {
		mended := p.mend()
		if slices.Equal(mended, []Record{p.Record}) {
			continue
		}
		change.Old = append(change.Old, p.Record.String())
		for _, rec := range mended {
			if !have[rec] {
				have[rec] = true
				change.New = append(change.New, rec.String())
			}
		}
	}
	if change.Old == nil {
		return nil
	}
	return []check.Change{change}
}

// mend returns the records that should stand in the place of one.
func (p *property) mend() []Record {
	rec := p.Record
	rec.Flags &= critical
	switch {
	case len(rec.Value) > maxValue:
	case p.tag == "iodef" && !strings.Contains(rec.Value, ":") && isMailbox(rec.Value):
		rec.Value = "mailto:" + rec.Value
	case p.issue != nil:
		return p.mendIssue(rec)
	}
	return []Record{rec}
}

func (p *property) mendIssue(rec Record) []Record {
	issue := p.issue
	if p.err != nil {
		again, err := ParseIssue(mendValue(rec.Value))
		if err != nil {
			return []Record{rec}
		}
		issue = again
		rec.Value = issue.String()
	}
	if p.tag != string(Names) && p.tag != string(Wildcards) {
		return []Record{rec}
	}
	if slices.ContainsFunc(issue.Params, oddCase) {
		params := slices.Clone(issue.Params)
		for i := range params {
			if oddCase(params[i]) {
				params[i].Tag = lower(params[i].Tag)
			}
		}
		issue = &Issue{issue.Issuer, params}
		rec.Value = issue.String()
	}
	accounts := issue.Values(accountURI)
	if len(accounts) < 2 {
		return []Record{rec}
	}
	var recs []Record // one for each account (RFC 8657, A)
	for _, account := range accounts {
		one := &Issue{Issuer: issue.Issuer, Params: []Param{{accountURI, account}}}
		for _, param := range issue.Params {
			if param.Tag != accountURI {
				one.Params = append(one.Params, param)
			}
		}
		if next := (Record{rec.Flags, rec.Tag, one.String()}); !slices.Contains(recs, next) {
			recs = append(recs, next)
		}
	}
	return recs
}

// mendValue takes away what people put around the name of a CA, and semicolons without
// a parameter behind them.
func mendValue(value string) string {
	value = strings.Trim(value, wsp+`"'`)
	head, rest, _ := strings.Cut(value, ";")
	name := lower(strings.Trim(head, wsp+`"'`))
	if bare, ok := strings.CutPrefix(name, "https://"); ok {
		name = strings.TrimSuffix(bare, "/")
	}
	value = strings.TrimSuffix(name, ".") + ";"
	for piece := range strings.SplitSeq(rest, ";") {
		if piece = strings.Trim(piece, wsp); piece != "" {
			if value[len(value)-1] != ';' {
				value += ";"
			}
			value += piece
		}
	}
	return value
}
