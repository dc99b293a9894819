package mailcheck

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/mailcheck-go/mailcheck/check"
	"github.com/mailcheck-go/mailcheck/dkim"
	"github.com/mailcheck-go/mailcheck/dmarc"
	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/mtasts"
	"github.com/mailcheck-go/mailcheck/mx"
	"github.com/mailcheck-go/mailcheck/spf"
	"github.com/mailcheck-go/mailcheck/tlsrpt"
)

// repairs judges the changes that the rooms propose: each is made in a copy of the
// facts, and what comes of it decides whether it is shown. One that cures nothing,
// or makes a rule fail that is as grave, is not: merging two records may well bring
// up what is minor in them.
func (v *view) repairs(results []check.Result, rules []check.Rule[*view]) []check.Repair {
	var repairs []check.Repair
	for _, c := range v.changes(results) {
		if slices.ContainsFunc(repairs, func(o check.Repair) bool { return o.Name == c.Name && o.Type == c.Type }) {
			continue
		}
		facts, err := withChange(v.facts, c)
		if err != nil {
			continue // a value that is no record: nothing to propose
		}
		after := v.with(facts)
		var cures []string
		var cured check.Severity
		for i := range results {
			was := &results[i]
			if was.Outcome != check.Fail || after.alike(v, was.ID) {
				continue
			}
			if now := rules[i].Apply(after); mended(was, &now, c.Name, after.pending) {
				cures = append(cures, was.ID)
				cured = max(cured, was.Severity)
			}
		}
		if len(cures) > 0 && !after.fails(v, rules, results, cured) {
			repairs = append(repairs, check.Repair{Change: c, Cures: cures})
		}
	}
	return repairs
}

// fails reports whether a rule fails, at least as gravely as said, that did not before.
func (v *view) fails(from *view, rules []check.Rule[*view], before []check.Result, least check.Severity) bool {
	for i := range rules {
		rule := &rules[i]
		if before[i].Outcome == check.Fail || rule.Severity < least || v.alike(from, rule.ID) {
			continue
		}
		if res := rule.Apply(v); res.Outcome == check.Fail && res.Severity >= least {
			return true
		}
	}
	return false
}

// alike reports that a rule says of two views the same: it reads one room alone, and
// a change elsewhere left that as it was. Of ten repairs nine touch one room.
func (v *view) alike(o *view, id string) bool {
	if v.role.Role != o.role.Role || v.role.Role == RoleUnknown || v.present != o.present || len(v.presentGaps) != len(o.presentGaps) {
		return false
	}
	same := false
	switch area, _, _ := strings.Cut(id, "."); area {
	case "spf":
		same = v.spf == o.spf
	case "dkim":
		same = v.dkim == o.dkim
	case "dmarc":
		same = v.dmarc == o.dmarc
	case "mx":
		same = v.mx == o.mx
	case "mtasts":
		same = v.mtasts == o.mtasts
	case "tlsrpt":
		same = v.tlsrpt == o.tlsrpt
	case "caa":
		same = v.caa == o.caa
	case "cert", "tls", "smtp":
		same = v.tlscert == o.tlscert && v.facts.DNS == o.facts.DNS // certRules reads which names were asked for
	}
	return same && !readsMore()[id]
}

// readsMore has the rules that read more than the room of their area and the role.
var readsMore = sync.OnceValue(func() map[string]bool {
	more := map[string]bool{}
	for _, r := range ownRules() {
		more[r.ID] = true
	}
	for _, id := range slices.Concat(faultless, unexpected[Parked], transport) {
		more[id] = true
	}
	return more
})

// mended reports that a rule that failed no longer does, or no longer at the name of
// the change. Unknown is enough where what is missing was missing before, or is pending.
func mended(was, now *check.Result, name string, pending func(check.Gap) bool) bool {
	if now.Outcome != check.Fail {
		return !slices.ContainsFunc(now.Gaps, func(g check.Gap) bool {
			return !pending(g) && !slices.ContainsFunc(was.Gaps, func(old check.Gap) bool { return old.Subject == g.Subject })
		})
	}
	here := func(f check.Finding) bool { return f.Subject == name }
	return slices.ContainsFunc(was.Findings, here) && !slices.ContainsFunc(now.Findings, here)
}

// changes are those with which a record lets in a service that is required, and cures
// what else can be cured: should one not do, the others for its name are tried. Then come
// what shuts a parked domain, what the rooms propose, and then what single
// findings do: one an RRset, the first that speaks of it, and none in another's zone.
func (v *view) changes(results []check.Result) []check.Change {
	if exists, gaps := v.exists(); len(gaps) == 0 && !exists {
		return nil
	}
	var all []check.Change
	add := func(changes []check.Change) {
		for _, c := range changes {
			if dnsx.Below(c.Name, v.facts.Domain) && copyable(c.New) && !slices.ContainsFunc(all, func(o check.Change) bool { return o.Name == c.Name && o.Type == c.Type }) {
				all = append(all, c)
			}
		}
	}
	if v.role.Role == Parked {
		add(v.shut())
	}
	if v.spf != nil {
		add(spf.Repair(v.spf))
	}
	if v.dkim != nil {
		add(dkim.Repair(v.dkim))
	}
	if v.dmarc != nil {
		add(dmarc.Repair(v.dmarc))
	}
	if v.mx != nil {
		add(mx.Repair(v.mx))
	}
	if v.mtasts != nil {
		add(mtasts.Repair(v.mtasts))
	}
	if v.tlsrpt != nil {
		add(tlsrpt.Repair(v.tlsrpt))
	}
	for _, res := range results {
		for _, f := range res.Findings {
			if f.Fix != nil && res.ID != notAuthorizedID {
				add(f.Fix.Changes)
			}
		}
	}
	if res := find(results, notAuthorizedID); res != nil && res.Outcome == check.Fail && res.Findings[0].Fix != nil {
		for _, c := range res.Findings[0].Fix.Changes {
			if dnsx.Below(c.Name, v.facts.Domain) && copyable(c.New) {
				all = slices.Insert(all, 0, c)
			}
		}
	}
	return all
}

// copyable reports that people can copy the values from a report: what hides in a
// broken record, such as a control character, is not carried into a new one.
func copyable(values []string) bool {
	return !slices.ContainsFunc(values, func(s string) bool {
		return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) })
	})
}

// shut are the records with which a parked domain says that it sends nothing. An
// address for reports is kept.
func (v *view) shut() []check.Change {
	var all []check.Change
	if a := v.spf; a != nil && a.Unread == nil && a.Default != spf.Fail {
		all = append(all, check.Change{Name: a.Owner, Type: "TXT", Old: a.Texts, New: []string{shutSPF}})
	}
	if a := v.dmarc; a != nil && a.Effective.Domain.WeakerThan(dmarc.Reject) && len(a.Nodes) > 0 && len(a.Nodes[0].Alias) == 0 {
		c := check.Change{Name: dnsx.Join("_dmarc", v.facts.Domain), Type: "TXT", New: []string{shutDMARC}}
		for _, r := range a.Nodes[0].Records {
			c.Old = append(c.Old, r.Text)
			if rua, ok := r.Record.Tag("rua"); ok && rua.Valid && !strings.Contains(c.New[0], "rua=") {
				c.New[0] += "; rua=" + rua.Value
			}
		}
		all = append(all, c)
	}
	return all
}

// withChange returns facts in which a change has been made: wherever the RRset was
// asked for, the answer now has it. What it does not touch is shared with f.
func withChange(f *Facts, c check.Change) (*Facts, error) {
	t, err := dnsx.ParseType(c.Type)
	if err != nil {
		return nil, err
	}
	var added []dnsx.RR
	for _, value := range c.New {
		rr := dnsx.NewTXT(c.Name, 300, value)
		if t != dnsx.TypeTXT {
			if rr, err = dnsx.ParseRR(c.Name + " 300 IN " + c.Type + " " + value); err != nil {
				return nil, err
			}
		}
		added = append(added, rr)
	}
	changed, _ := edit(reflect.ValueOf(f), func(r dnsx.Reply) (dnsx.Reply, bool) {
		switch {
		case r.Answer == nil:
			return r, false
		case t == dnsx.TypeCNAME && r.Question.Name == c.Name && len(added) == 1:
			// What stands at the alias's end nobody asked yet.
			return dnsx.Reply{Question: r.Question, Failure: &dnsx.Failure{Question: r.Question, Kind: dnsx.KindNotAsked, Chain: added}}, true
		case r.Question.Type != t || r.Answer.Owner() != c.Name:
			return r, false
		}
		a := *r.Answer
		a.RCode = dnsx.NoError
		a.Records = slices.DeleteFunc(slices.Clone(a.Records), func(rr dnsx.RR) bool { return slices.Contains(c.Old, value(rr)) })
		a.Records = append(a.Records, added...)
		return dnsx.Reply{Question: r.Question, Answer: &a}, true
	})
	g := changed.Interface().(*Facts)
	if g.SPF != nil && g.SPF.Drafts != nil && t == dnsx.TypeTXT { // the values of a change are cut as they have to be
		room, whole := *g.SPF, *g
		room.Drafts = slices.DeleteFunc(slices.Clone(room.Drafts), func(strs []string) bool { return slices.Contains(c.Old, strings.Join(strs, "")) })
		whole.SPF = &room
		g = &whole
	}
	return g, nil
}

// value is a record as a Change names it.
func value(rr dnsx.RR) string {
	if rr.Type == dnsx.TypeTXT {
		return rr.Text()
	}
	return strings.TrimSuffix(rr.DataText(), ".")
}

var replyType = reflect.TypeFor[dnsx.Reply]()

// edit returns v with every Reply in it, whichever room it belongs to, replaced by
// what do makes of it. Only what leads to a replaced one is copied; where none is,
// v itself comes back.
func edit(v reflect.Value, do func(dnsx.Reply) (dnsx.Reply, bool)) (reflect.Value, bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v, false
		}
		elem, changed := edit(v.Elem(), do)
		if !changed {
			return v, false
		}
		again := reflect.New(v.Type().Elem())
		again.Elem().Set(elem)
		return again, true
	case reflect.Struct:
		if v.Type() == replyType {
			r, changed := do(*v.Addr().Interface().(*dnsx.Reply)) // all hang on a pointer to Facts
			if !changed {
				return v, false
			}
			return reflect.ValueOf(r), true
		}
		return editParts(v, v.NumField(), reflect.Value.Field, func() reflect.Value {
			again := reflect.New(v.Type()).Elem()
			again.Set(v)
			return again
		}, do)
	case reflect.Slice:
		return editParts(v, v.Len(), reflect.Value.Index, func() reflect.Value {
			again := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(again, v)
			return again
		}, do)
	}
	return v, false
}

// editParts edits the fields of a struct or the elements of a slice.
func editParts(v reflect.Value, n int, part func(reflect.Value, int) reflect.Value, clone func() reflect.Value, do func(dnsx.Reply) (dnsx.Reply, bool)) (reflect.Value, bool) {
	changed := false
	for i := range n {
		if !part(v, i).CanInterface() { // a field that is not exported
			continue
		}
		if again, ok := edit(part(v, i), do); ok {
			if !changed {
				v, changed = clone(), true
			}
			part(v, i).Set(again)
		}
	}
	return v, changed
}
