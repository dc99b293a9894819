package real_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// Whatever is asked of the zones, NSD and Unbound answer as the files do.
func TestAnswers(t *testing.T) {
	w := newWorld(t)
	questions := w.questions(t)
	if !have(t, "nsd", "unbound") {
		return
	}
	nsd := startNSD(t, w.dir, w.apexes)
	c := startUnbound(t, nsd, w.apexes, "").client(t)
	want := w.files.ResolveAll(t.Context(), questions)
	got := c.ResolveAll(t.Context(), questions)
	wrong, unknown := 0, 0
	for i, q := range questions {
		if want[i].Answer == nil {
			unknown++
		}
		if !assert.Equal(t, outline(want[i]), outline(got[i]), "%s\nzone: %v\nwire: %v", q, want[i].Failure, got[i].Failure) {
			if wrong++; wrong == 20 {
				require.FailNow(t, "and so on")
			}
		}
	}
	t.Logf("%d zones, %d questions, of %d the zones do not know the answer", len(w.apexes), len(questions), unknown)
}

// questions are for every name of the zones and for names below them.
func (w *world) questions(t *testing.T) []dnsx.Question {
	t.Helper()
	var questions []dnsx.Question
	seen := map[string]bool{}
	add := func(name string, types ...dnsx.Type) {
		name, err := dnsx.ParseName(name)
		if err != nil || seen[name] { // too long
			return
		}
		seen[name] = true
		for _, dtype := range types {
			questions = append(questions, dnsx.Q(name, dtype))
		}
	}
	for _, apex := range w.apexes {
		names, err := w.files.Names(apex)
		require.NoError(t, err)
		for _, name := range names {
			add(name, dnsx.TypeA, dnsx.TypeAAAA, dnsx.TypeNS, dnsx.TypeCNAME, dnsx.TypeSOA, dnsx.TypeMX, dnsx.TypeTXT, dnsx.TypeCAA, dnsx.TypeSRV, dnsx.TypeTLSA)
		}
		for _, name := range names {
			for up := dnsx.Parent(name); up != "."; up = dnsx.Parent(up) { // empty non-terminals
				add(up, dnsx.TypeA, dnsx.TypeNS, dnsx.TypeTXT)
			}
			for _, label := range []string{"_dmarc", "no-such-name"} {
				add(dnsx.Join(label, name), dnsx.TypeTXT, dnsx.TypeA)
			}
		}
	}
	return questions
}

// outline is what has to be the same whoever is asked. TTLs are not; the order of
// records is not, and neither are the aliases before an end without an answer: a
// server that fails says nothing of them.
func outline(r dnsx.Reply) string {
	if r.Answer == nil {
		return "no answer"
	}
	a := r.Answer
	var b strings.Builder
	fmt.Fprintf(&b, "%s, exists %t\n", a.RCode, a.Exists())
	write := func(section string, rrs []dnsx.RR, sorted bool) {
		var lines []string
		for _, rr := range rrs {
			lines = append(lines, fmt.Sprintf("%s: %s %s %s\n", section, rr.Name, rr.Type, rr.DataText()))
		}
		if sorted {
			slices.Sort(lines)
		}
		b.WriteString(strings.Join(lines, ""))
	}
	write("chain", a.Chain, false)
	write("records", a.Records, true)
	write("authority", a.Authority, true)
	return b.String()
}
