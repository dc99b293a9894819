package peers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "blitiri.com.ar/go/spf" // its testdata has the suites
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/spf"
)

// contradicted are the tests whose results RFC 7208 contradicts; they get what it says.
// All others pass as they stand, marks to skip them included.
var contradicted = map[string]struct {
	want    spf.Result
	section string
}{
	"pyspf-tests/default-modifier":                {spf.Neutral, "6: default= is a modifier like others that nobody knows"},
	"pyspf-tests/default-modifier-harsh":          {spf.Neutral, "6; and ambiguous is no result (2.6)"},
	"blitirispf-tests/resolution-with-10-lookups": {spf.PermError, "7.1: include:d11 is no domain-spec"},
}

// tally counts what was compared in one file, so that nothing is left out unseen.
type tally struct {
	tests, explanations    int
	second                 int // with a result that conforms and is not the first of the list
	contradicted, oneLabel int
}

// tallies are those of the files, by suite: one of them has two editions. What the suite
// for RFC 4408 likes best in ten tests, RFC 7208 has given up: records of type SPF (3.1),
// a guess at more than one record (4.5), and choices that it leaves to nobody (4.8, 5, 5.4).
var tallies = map[string][]tally{
	"rfc7208-tests":    {{tests: 203, explanations: 22}, {tests: 200, explanations: 22}},
	"rfc4408-tests":    {{tests: 191, explanations: 22, second: 10}},
	"pyspf-tests":      {{tests: 16, contradicted: 2}},
	"blitirispf-tests": {{tests: 83, contradicted: 1, oneLabel: 23}},
}

// The openspf suites: those that come with blitiri.com.ar/go/spf, and the unmodified
// copies below MAILCHECK_CORPUS where that is set.
func TestSPFSuites(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(moduleDir(t, "blitiri.com.ar/go/spf"), "testdata", "*.yml"))
	require.NoError(t, err)
	require.Len(t, files, 4)
	if corpus := os.Getenv("MAILCHECK_CORPUS"); corpus != "" {
		more, err := filepath.Glob(filepath.Join(corpus, "spf", "*.yml"))
		require.NoError(t, err)
		require.NotEmpty(t, more)
		files = append(files, more...)
	}
	used := map[string]bool{}
	for _, file := range files {
		suite := strings.TrimSuffix(filepath.Base(file), ".yml")
		var n tally
		for _, sc := range scenarios(t, file) {
			zone := sc.zone(t)
			for name, test := range sc.Tests {
				id := suite + "/" + name
				t.Run(id, func(t *testing.T) {
					n.tests++
					if suite == "blitirispf-tests" && !strings.Contains(test.domain(), ".") {
						n.oneLabel++
						test.Result, test.Explanation = texts{string(spf.None)}, "" // RFC 7208, 4.3: no multi-label domain
					}
					if x, ok := contradicted[id]; ok {
						used[id] = true
						n.contradicted++
						test.Result, test.Explanation = texts{string(x.want)}, ""
						test.Spec = append(test.Spec, "RFC 7208, "+x.section)
					}
					test.run(t, zone, &n)
				})
			}
		}
		assert.Contains(t, tallies[suite], n, "%s", file)
		t.Logf("%s: %+v", file, n)
	}
	for id := range contradicted {
		assert.True(t, used[id], "%s is in no suite", id)
	}
}

func moduleDir(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

type scenario struct {
	Description string
	Tests       map[string]suiteTest
	ZoneData    map[string][]any `yaml:"zonedata"`
}

type suiteTest struct {
	Spec        texts
	Helo        string
	Host        string
	MailFrom    string `yaml:"mailfrom"`
	Result      texts
	Explanation string
}

func (test *suiteTest) domain() string {
	if test.MailFrom == "" {
		return test.Helo
	}
	return test.MailFrom[strings.LastIndexByte(test.MailFrom, '@')+1:]
}

// run checks that a verdict is one of those that conform, with the explanation.
func (test *suiteTest) run(t *testing.T, zone dnsx.Resolver, n *tally) {
	var checker spf.Checker
	s := spf.Session{IP: netip.MustParseAddr(test.Host), MailFrom: test.MailFrom, Helo: test.Helo}
	got, err := checker.CheckHost(t.Context(), zone, s)
	require.NoError(t, err)
	switch slices.Index(test.Result, string(got.Result)) {
	case -1:
		t.Errorf("%s: got %s (%v), want one of %s", test.Spec, got.Result, got.Problem, test.Result)
	case 0:
	default:
		n.second++
		t.Logf("%s: %s of %s", test.Spec, got.Result, test.Result)
	}
	if want := test.Explanation; want != "" {
		n.explanations++
		if want == "DEFAULT" {
			want = "" // the caller's own words
		}
		assert.Equal(t, want, got.Explanation, "%s", test.Spec)
	}
	again, err := checker.CheckHost(t.Context(), zone, s)
	require.NoError(t, err)
	assert.Equal(t, got, again, "with kept records")
	cold, err := spf.CheckHost(t.Context(), zone, s)
	require.NoError(t, err)
	assert.Equal(t, got, cold, "without")
}

// texts is one text or a list of them.
type texts []string

func (x *texts) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		var list []string
		err := n.Decode(&list)
		*x = list
		return err
	}
	var one string
	err := n.Decode(&one)
	*x = texts{one}
	return err
}

func scenarios(t *testing.T, file string) (all []scenario) {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	for dec := yaml.NewDecoder(f); ; {
		var sc scenario
		err := dec.Decode(&sc)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, sc)
	}
}

// zoneData answers as the suites' own format wants it: SPF records stand for TXT where
// a name has no TXT, NONE says that it is to have none, and TIMEOUT takes every
// question that nothing before it answers.
type zoneData struct {
	records map[dnsx.Question][]dnsx.RR
	exists  map[string]bool
	faults  map[string]dnsx.Kind
}

func (sc *scenario) zone(t *testing.T) *zoneData {
	t.Helper()
	z := &zoneData{records: map[dnsx.Question][]dnsx.RR{}, exists: map[string]bool{}, faults: map[string]dnsx.Kind{}}
	for owner, entries := range sc.ZoneData {
		name, err := dnsx.ParseName(owner)
		require.NoError(t, err)
		for n := name; n != "."; n = dnsx.Parent(n) {
			z.exists[n] = true
		}
		none := false
		var fromSPF []dnsx.RR
		for _, entry := range entries {
			switch entry := entry.(type) {
			case string:
				z.faults[name] = fault(t, entry)
			case map[string]any:
				for typ, value := range entry {
					switch rr, ok := suiteRecord(t, name, typ, value); {
					case typ == "SPF":
						rr.Type = dnsx.TypeTXT
						fromSPF = append(fromSPF, rr)
					case typ == "TXT" && value == "NONE":
						none = true
					case ok:
						q := dnsx.Q(name, rr.Type)
						z.records[q] = append(z.records[q], rr)
					default:
						z.faults[name] = fault(t, typ)
					}
				}
			}
		}
		if q := dnsx.Q(name, dnsx.TypeTXT); !none && z.records[q] == nil {
			z.records[q] = fromSPF
		}
	}
	return z
}

func fault(t *testing.T, word string) dnsx.Kind {
	kinds := map[string]dnsx.Kind{"TIMEOUT": dnsx.KindTimeout, "SERVFAIL": dnsx.KindRCode, "CNAMELOOP": dnsx.KindChain}
	require.Contains(t, kinds, word)
	return kinds[word]
}

// suiteRecord reads one entry of a zone; ok is false where it is none.
func suiteRecord(t *testing.T, name, typ string, value any) (rr dnsx.RR, ok bool) {
	t.Helper()
	line := func(format string, args ...any) (dnsx.RR, bool) {
		rr, err := dnsx.ParseRR(fmt.Sprintf("x.example. 300 IN "+typ+" "+format, args...))
		require.NoError(t, err)
		rr.Name = name
		return rr, true
	}
	wire := func(data []byte, host string) (dnsx.RR, bool) { // hosts of the suites hold odd octets
		packed, err := dnsx.PackName(host + map[bool]string{true: "."}[host == ""])
		require.NoError(t, err)
		of, err := dnsx.ParseType(typ)
		require.NoError(t, err)
		return dnsx.RR{Name: name, Type: of, TTL: 300, Data: append(data, packed...)}, true
	}
	switch typ {
	case "A", "AAAA":
		return line("%s", value)
	case "PTR", "CNAME":
		return wire(nil, value.(string))
	case "MX":
		mx := value.([]any)
		return wire([]byte{0, byte(mx[0].(int))}, mx[1].(string))
	case "TXT", "SPF":
		parts, many := value.([]any)
		if !many {
			return dnsx.NewTXT(name, 300, value.(string)), true
		}
		rr = dnsx.RR{Name: name, Type: dnsx.TypeTXT, TTL: 300}
		for _, part := range parts {
			rr.Data = append(rr.Data, dnsx.NewTXT(name, 300, part.(string)).Data...)
		}
		return rr, true
	}
	return dnsx.RR{}, false
}

func (z *zoneData) Resolve(_ context.Context, q dnsx.Question) (*dnsx.Answer, error) {
	a := &dnsx.Answer{Question: q}
	for name := q.Name; ; {
		if a.Records = z.records[dnsx.Q(name, q.Type)]; len(a.Records) > 0 {
			return a, nil
		}
		if kind, ok := z.faults[name]; ok {
			return nil, &dnsx.Failure{Question: q, Kind: kind, RCode: dnsx.ServFail}
		}
		alias := z.records[dnsx.Q(name, dnsx.TypeCNAME)]
		if len(alias) == 0 {
			if !z.exists[name] && name != "." {
				a.RCode = dnsx.NXDomain
			}
			return a, nil
		}
		if len(a.Chain) == dnsx.MaxChain {
			return nil, &dnsx.Failure{Question: q, Kind: dnsx.KindChain}
		}
		a.Chain = append(a.Chain, alias[0])
		name, _ = alias[0].Target()
	}
}
