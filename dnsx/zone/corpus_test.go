package zone_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

// corpus is the folder of octoDNS zones to test on: real ones where
// MAILCHECK_CORPUS says where they lie, else small ones.
func corpus() (dir string, real bool) {
	if dir := os.Getenv("MAILCHECK_CORPUS"); dir != "" {
		return filepath.Join(dir, "octodns"), true
	}
	return "testdata/octodns", false
}

// TestCorpus_real says whether the tests below ran over real zones.
func TestCorpus_real(t *testing.T) {
	dir, real := corpus()
	if !real {
		t.Log("NOT RUN over real zones: MAILCHECK_CORPUS is not set; the tests named TestCorpus read testdata/octodns instead")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	require.NoError(t, err)
	z, err := zone.Load(dir)
	require.NoError(t, err)
	assert.Len(t, z.Apexes(), len(files)-1, "every file is a zone, but for octodns.yaml")
	if real {
		assert.GreaterOrEqual(t, len(files), 224)
	}
}

func TestCorpus_selectors(t *testing.T) {
	dir, real := corpus()
	domain := "acme.example"
	if real {
		domain = "paroleboard.gov.uk"
	}
	z, err := zone.Load(dir)
	require.NoError(t, err)
	names, err := z.Names("_domainkey." + domain)
	require.NoError(t, err)
	var want []string
	for _, selector := range []string{"selector1", "selector2", "zendesk1", "zendesk2"} {
		want = append(want, selector+"._domainkey."+domain)
	}
	assert.Equal(t, want, names)
	table{
		{"a selector", "CNAME zendesk1._domainkey." + domain, "zendesk1._domainkey.zendesk.com."},
		{"no selector", "TXT s1._domainkey." + domain, "NXDOMAIN"},
		{"an empty non-terminal", "TXT _domainkey." + domain, "NODATA"},
		{"an alias of the provider", "A " + domain, "not-asked"},
	}.run(t, z)
}

// Every MX, TXT and CNAME of some zones is what another reading of the YAML says.
func TestCorpus_values(t *testing.T) {
	dir, real := corpus()
	domains := []string{"acme.example", "parked.example"}
	if real {
		domains = []string{"paroleboard.gov.uk", "cica.gov.uk", "judiciary.uk", "service.justice.gov.uk", "hmiprisons.gov.uk"}
	}
	z, err := zone.Load(dir)
	require.NoError(t, err)
	for _, domain := range domains {
		t.Run(domain, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, domain+".yaml"))
			require.NoError(t, err)
			var names map[string]any
			require.NoError(t, yaml.Unmarshal(data, &names))
			compared := 0
			for name, records := range names {
				name = strings.TrimPrefix(name+"."+domain, ".")
				if !delegated(names, domain, name) {
					compared += compare(t, z, name, records)
				}
			}
			assert.NotZero(t, compared)
			t.Logf("%d values compared", compared)
		})
	}
}

// delegated looks for NS records at or above a name, below the apex.
func delegated(names map[string]any, domain, name string) bool {
	for at := name; at != domain; at = dnsx.Parent(at) {
		for _, record := range list(names[strings.TrimSuffix(at, "."+domain)]) {
			if record.(map[string]any)["type"] == "NS" {
				return true
			}
		}
	}
	return false
}

func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

func compare(t *testing.T, z *zone.Zones, name string, records any) (compared int) {
	t.Helper()
	for _, record := range list(records) {
		record := record.(map[string]any)
		kind := record["type"].(string)
		values := list(record["values"])
		if values == nil {
			values = list(record["value"])
		}
		var want []string
		for _, v := range values {
			switch kind {
			case "MX":
				v := v.(map[string]any)
				host, preference := v["exchange"], v["preference"]
				if host == nil {
					host, preference = v["value"], v["priority"]
				}
				want = append(want, string(rune('0'+preference.(int)))+" "+lower(host))
			case "TXT":
				want = append(want, strings.ReplaceAll(v.(string), `\;`, ";"))
			case "CNAME":
				want = append(want, lower(v))
			}
		}
		if want == nil {
			continue
		}
		dtype, err := dnsx.ParseType(kind)
		require.NoError(t, err)
		a, err := z.Resolve(t.Context(), dnsx.Q(name, dtype))
		require.NoError(t, err)
		var got []string
		for _, rr := range a.Records {
			switch kind {
			case "MX":
				preference, host, _ := rr.MX()
				got = append(got, string(rune('0'+preference))+" "+host)
			case "TXT":
				got = append(got, rr.Text())
				for _, s := range rr.TXT()[:len(rr.TXT())-1] {
					assert.Len(t, s, 255)
				}
			case "CNAME":
				target, _ := rr.Target()
				got = append(got, target)
			}
		}
		assert.Equal(t, want, got, "%s %s", kind, name)
		compared += len(want)
	}
	return compared
}

func lower(v any) string {
	s := strings.ToLower(v.(string))
	if s == "." {
		return s
	}
	return strings.TrimSuffix(s, ".")
}

// Every name that is listed can be asked for, and none is NXDOMAIN.
func TestCorpus_names(t *testing.T) {
	dir, _ := corpus()
	z, err := zone.Load(dir)
	require.NoError(t, err)
	total := 0
	for _, apex := range z.Apexes() {
		names, err := z.Names(apex)
		require.NoError(t, err)
		assert.True(t, slices.IsSorted(names))
		for _, name := range names {
			r := dnsx.ReplyOf(dnsx.Q(name, dnsx.TypeCAA))(z.Resolve(t.Context(), dnsx.Q(name, dnsx.TypeCAA)))
			if r.Answer != nil {
				assert.True(t, r.Answer.Exists(), name)
			} else {
				assert.Equal(t, dnsx.KindNotAsked, r.Failure.Kind, name)
			}
		}
		total += len(names)
	}
	t.Logf("%d names", total)
}
