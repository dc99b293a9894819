package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mailcheck-go/mailcheck/check"
)

// unknownsShown bounds the lines on what could not be known; the other formats have all.
const unknownsShown = 12

// unknowns says what could not be judged, by the question that stayed open.
func (p *printer) unknowns(r *check.Report) {
	unknown := pick(r.Results, check.Unknown)
	groups := slices.DeleteFunc(groupGaps(unknown), func(g *gapGroup) bool { return g.Why == check.Person }) // see questions
	if len(groups) == 0 {
		return
	}
	if r.Role != nil && r.Role.Short && len(groups) > 0 && groups[0].Why != check.Failed {
		p.unknownsShort(groups, unknown)
		return
	}
	p.heading("What could not be known")
	for i, g := range groups {
		if i == unknownsShown {
			p.line("    " + fmt.Sprintf(p.label("… and %d more"), len(groups)-unknownsShown))
			break
		}
		rules := g.rules[0]
		if len(g.rules) > 1 {
			rules = fmt.Sprintf(p.label("%d rules could not be judged"), len(g.rules))
		}
		p.block("  "+p.ink(magenta, "? "), Clean(p.gapText(g))+": "+rules, plain)
	}
}

// unknownsShort says it in a line, where no question failed.
func (p *printer) unknownsShort(groups []*gapGroup, unknown []*check.Result) {
	questions := 0
	for _, g := range groups {
		questions += len(g.subjects)
	}
	first := Clean(groups[0].subjects[0])
	if questions > 1 {
		first = fmt.Sprintf(p.label("%s and %d more were not asked"), first, questions-1)
	} else {
		first = fmt.Sprintf(p.label("%s was not asked"), first)
	}
	rules := unknown[0].ID
	if len(unknown) > 1 {
		rules = fmt.Sprintf(p.label("%d rules could not be judged"), len(unknown))
	}
	p.block("  "+p.ink(magenta, "? "), first+": "+rules, plain)
}

// gapGroup is one open question with the rules that needed it, or several that
// nobody asked and the same rules needed.
type gapGroup struct {
	check.Gap
	subjects []string
	rules    []string
}

func groupGaps(results []*check.Result) []*gapGroup {
	var groups []*gapGroup
	by := map[string]*gapGroup{}
	for _, res := range results {
		for _, gap := range res.Gaps {
			key := string(gap.Why) + "\x00" + gap.Subject + "\x00" + gap.CauseText()
			if by[key] == nil {
				by[key] = &gapGroup{Gap: gap, subjects: []string{gap.Subject}}
				groups = append(groups, by[key])
			}
			by[key].rules = append(by[key].rules, res.ID)
		}
	}
	groups = merge(groups)
	slices.SortStableFunc(groups, func(a, b *gapGroup) int {
		if failed := cmp.Compare(boolInt(b.Why == check.Failed), boolInt(a.Why == check.Failed)); failed != 0 {
			return failed
		}
		return cmp.Compare(len(b.rules), len(a.rules))
	})
	return groups
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// merge puts into one group what nobody asked and the same rules needed, what the same
// credentials would show, and what failed in the same way where that are many: offline,
// or with a server that is dead, there may be dozens.
func merge(groups []*gapGroup) []*gapGroup {
	const many = 4
	alike := map[string]int{}
	for _, g := range groups {
		alike[g.likeness()]++
	}
	var kept []*gapGroup
	by := map[string]*gapGroup{}
	for _, g := range groups {
		key := g.likeness()
		first := by[key]
		together := g.Why == check.NotAsked || g.Why == check.NotShown || g.Why == check.Failed && alike[key] >= many
		if !together || first == nil {
			by[key] = g
			kept = append(kept, g)
			continue
		}
		first.subjects = append(first.subjects, g.subjects...)
		for _, id := range g.rules {
			if !slices.Contains(first.rules, id) {
				first.rules = append(first.rules, id)
			}
		}
	}
	return kept
}

// likeness is the same for gaps that can be told together.
func (g *gapGroup) likeness() string {
	if g.Why == check.NotAsked {
		return "not asked\x00" + strings.Join(g.rules, " ")
	}
	return string(g.Why) + "\x00" + g.how()
}

// how is the cause without the subject that it begins with: "timed out at 192.0.2.53:53".
func (g *gapGroup) how() string {
	return strings.TrimPrefix(strings.TrimPrefix(g.CauseText(), g.Subject), " ")
}

// worded is a text that may be what others published, to be cleaned by whoever writes it.
func (p *printer) worded(t check.Text) string {
	s, _ := p.opts.Lang.Text(t)
	return s
}

func (p *printer) gapText(g *gapGroup) string {
	const shown = 4
	cause, about := p.worded(g.Words()), p.worded(g.About())
	subjects := make([]string, len(g.subjects))
	for i, s := range g.subjects {
		subjects[i] = p.worded(check.Gap{Subject: s}.About())
	}
	switch {
	case len(g.subjects) > 1 && g.Why == check.Failed:
		how := g.how()
		if p.opts.Lang != nil { // where its words stand first or last
			how = cause
		}
		return fmt.Sprintf(p.label("%d questions (%s, …): %s"), len(g.subjects), strings.Join(subjects[:min(len(g.subjects), 2)], ", "), how)
	case len(g.subjects) > shown && g.Why == check.NotShown:
		return fmt.Sprintf(p.label("%s and %d more"), strings.Join(subjects[:shown], ", "), len(g.subjects)-shown) + ": " + cause
	case len(g.subjects) > 1 && g.Why == check.NotShown:
		return strings.Join(subjects, ", ") + ": " + cause
	case len(g.subjects) > shown:
		return fmt.Sprintf(p.label("%s and %d more were not asked"), strings.Join(subjects[:shown], ", "), len(g.subjects)-shown)
	case len(g.subjects) > 1:
		return fmt.Sprintf(p.label("%s were not asked"), strings.Join(subjects, ", "))
	case g.Why == check.NotAsked && (cause == "" || strings.HasPrefix(g.CauseText(), g.Subject)):
		return fmt.Sprintf(p.label("%s was not asked"), about)
	case cause == "":
		return fmt.Sprintf(p.label("%s is not known"), about)
	case g.Why == check.Person: // the question says it all
		return cause
	case strings.Contains(g.CauseText(), g.Subject):
		return cause
	default:
		return about + ": " + cause
	}
}
