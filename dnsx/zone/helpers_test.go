package zone_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

// mustParse reads a file that is right.
func mustParse(t *testing.T, name, text string) *zone.Zones {
	t.Helper()
	z, err := zone.Parse(name, []byte(text))
	require.NoError(t, err)
	return z
}

// mustLoad reads files that are right: name, text, name, text, …, in one folder.
func mustLoad(t *testing.T, files ...string) *zone.Zones {
	t.Helper()
	z, err := zone.Load(folder(t, files...))
	require.NoError(t, err)
	return z
}

// folder writes files: name, text, name, text, …
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
		require.NoError(t, os.WriteFile(path, []byte(files[i+1]), 0o666))
	}
	return dir
}

// question reads "MX acme.example".
func question(t *testing.T, s string) dnsx.Question {
	t.Helper()
	kind, name, _ := strings.Cut(s, " ")
	dtype, err := dnsx.ParseType(kind)
	require.NoError(t, err)
	return dnsx.Q(name, dtype)
}

// ask asks "MX acme.example" and tells what came of it.
func ask(t *testing.T, r dnsx.Resolver, s string) string {
	t.Helper()
	q := question(t, s)
	a, err := r.Resolve(t.Context(), q)
	return tell(t, dnsx.ReplyOf(q)(a, err))
}

// tell writes a reply in one line: the aliases, the records or how there are none,
// and the SOA's owner and TTL where that came with it. Records stand without owner
// and TTL.
func tell(t *testing.T, r dnsx.Reply) string {
	t.Helper()
	var words []string
	name := r.Question.Name
	if canon, err := dnsx.ParseName(name); err == nil {
		name = canon
	}
	for _, rr := range r.Chain() {
		require.Equal(t, name, rr.Name)
		name, _ = rr.Target()
		words = append(words, "-> "+name)
	}
	if f := r.Failure; f != nil {
		require.Equal(t, r.Question, f.Question)
		words = append(words, string(f.Kind))
		if f.Kind == dnsx.KindRCode {
			words = append(words, f.RCode.String())
		}
		return strings.Join(words, " ")
	}
	a := r.Answer
	require.Equal(t, r.Question, a.Question)
	for i, rr := range a.Records {
		require.Equal(t, name, rr.Name)
		require.Equal(t, r.Question.Type, rr.Type)
		if i > 0 {
			words = append(words, "|")
		}
		words = append(words, rr.DataText())
	}
	switch {
	case a.RCode == dnsx.NXDomain:
		words = append(words, "NXDOMAIN")
	case len(a.Records) == 0:
		words = append(words, "NODATA")
	}
	for _, rr := range a.Authority {
		words = append(words, fmt.Sprintf("(%s %s %d)", rr.Type, rr.Name, rr.TTL))
	}
	return strings.Join(words, " ")
}

// table asks a list of questions.
type table []struct{ name, ask, want string }

func (tb table) run(t *testing.T, r dnsx.Resolver) {
	for _, tt := range tb {
		t.Run(tt.name+": "+tt.ask, func(t *testing.T) {
			require.Equal(t, tt.want, ask(t, r, tt.ask))
		})
	}
}

// bulkOnly hides the other ways in, and notes the batches that it is asked.
type bulkOnly struct {
	next    dnsx.Resolver
	batches [][]dnsx.Question
}

func (b *bulkOnly) Resolve(ctx context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	return nil, errors.New("asked one by one")
}

func (b *bulkOnly) ResolveAll(ctx context.Context, qs []dnsx.Question) []dnsx.Reply {
	b.batches = append(b.batches, qs)
	return dnsx.Ask(ctx, b.next, qs...)
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
