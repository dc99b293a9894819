package real_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

// world is all of the DNS that there is in a test: zones, and a root that delegates
// to them and holds the names of files without SOA. What is in none of them does not
// exist, for whoever reads the files and for whoever asks the servers.
type world struct {
	sources *zone.Zones // as the files were given
	files   *zone.Zones // as they are served
	dir     string      // where they are served from
	apexes  []string    // with the root
	records map[string][]dnsx.RR
}

// rootServer is the name server of the root, and of zones that name none.
const rootServer = "ns.root-servers.example"

func newWorld(t *testing.T) *world {
	t.Helper()
	paths := []string{"../../examples/zones", "testdata"}
	if corpus := os.Getenv("MAILCHECK_CORPUS"); corpus == "" {
		t.Log("NOT RUN over real zones: MAILCHECK_CORPUS is not set; the zones of examples/zones and testdata are there alone")
	} else {
		paths = append(paths, filepath.Join(corpus, "octodns"))
		paths = append(paths, withoutDoubles(t, filepath.Join(corpus, "providers.zone"), "../../examples/zones/providers.zone"))
	}
	w := &world{dir: t.TempDir(), records: map[string][]dnsx.RR{}}
	given, err := zone.Load(paths...)
	require.NoError(t, err)
	root := filepath.Join(t.TempDir(), "root.zone")
	require.NoError(t, os.WriteFile(root, []byte(rootZone(given.Apexes())), 0o600))
	w.sources, err = zone.Load(append(paths, root)...)
	require.NoError(t, err)
	w.apexes = w.sources.Apexes()
	for _, apex := range w.apexes {
		w.records[apex] = complete(apex, w.sources.Records(apex))
		w.write(t, apex)
	}
	w.load(t)
	return w
}

// domains are the zones without the root.
func (w *world) domains() []string {
	return slices.DeleteFunc(slices.Clone(w.apexes), func(apex string) bool { return apex == "." })
}

func (w *world) write(t *testing.T, apex string) {
	t.Helper()
	var b strings.Builder
	for _, rr := range w.records[apex] {
		b.WriteString(rr.String() + "\n")
	}
	require.NoError(t, os.WriteFile(filepath.Join(w.dir, fileOf(apex)), []byte(b.String()), 0o600))
}

func (w *world) load(t *testing.T) {
	t.Helper()
	var err error
	w.files, err = zone.Load(w.dir)
	require.NoError(t, err)
	require.Equal(t, w.apexes, w.files.Apexes())
}

func fileOf(apex string) string {
	if apex == "." {
		return "root.zone"
	}
	return apex + ".zone"
}

// rootZone delegates the zones that lie in no other one.
func rootZone(apexes []string) string {
	var b strings.Builder
	b.WriteString(". 3600 IN SOA " + rootServer + ". hostmaster.example. 1 7200 900 1209600 300\n")
	b.WriteString(". 3600 IN NS " + rootServer + ".\n" + rootServer + ". 3600 IN A " + loopback + "\n")
	for _, apex := range apexes {
		up := dnsx.Parent(apex)
		for up != "." && !slices.Contains(apexes, up) {
			up = dnsx.Parent(up)
		}
		if up == "." {
			b.WriteString(apex + ". 3600 IN NS " + rootServer + ".\n")
		}
	}
	return b.String()
}

// complete adds what the provider adds to a zone of octoDNS, so that it can be served.
func complete(apex string, rrs []dnsx.RR) []dnsx.RR {
	var added []dnsx.RR
	has := func(dtype dnsx.Type) bool {
		return slices.ContainsFunc(rrs, func(rr dnsx.RR) bool { return rr.Name == apex && rr.Type == dtype })
	}
	add := func(line string) {
		rr, err := dnsx.ParseRR(strings.TrimSuffix(apex, ".") + ". 3600 IN " + line)
		if err != nil {
			panic(err)
		}
		added = append(added, rr)
	}
	if !has(dnsx.TypeSOA) {
		add("SOA " + rootServer + ". hostmaster.example. 1 7200 900 1209600 300")
	}
	if !has(dnsx.TypeNS) {
		add("NS " + rootServer + ".")
	}
	return append(added, rrs...)
}

// withoutDoubles copies a file of single records, but for the names that another one
// holds too, with data of its own.
func withoutDoubles(t *testing.T, path, other string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	others, err := os.ReadFile(other)
	require.NoError(t, err)
	var b strings.Builder
	for line := range strings.Lines(string(data)) {
		name, _, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(line, ";") && strings.Contains("\n"+string(others), "\n"+name+"\t") {
			continue
		}
		b.WriteString(line)
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(path))
	require.NoError(t, os.WriteFile(copied, []byte(b.String()), 0o600))
	return copied
}
