package mailcheck_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mailcheck-go/mailcheck"

// layers says what each package may import: of this project, and of others.
// docs/architecture.md has the reasons. A package that stands in no line fails.
var layers = map[string]struct{ own, others []string }{
	"check":              {},
	"check/checktest":    {own: []string{"check"}},
	"dnsx":               {},
	"dnsx/dnstest":       {own: []string{"dnsx"}},
	"dnsx/wire":          {own: []string{"dnsx"}, others: []string{"golang.org/x/net"}},
	"dnsx/zone":          {own: []string{"dnsx"}, others: []string{"github.com/miekg/dns", "go.yaml.in/yaml/v4"}},
	"provider":           {},
	"internal/dial":      {},
	"internal/fetch":     {},
	"internal/idn":       {own: []string{"dnsx"}, others: []string{"golang.org/x/net"}},
	"internal/lang":      {own: []string{"check"}},
	"internal/jsonsize":  {},
	"internal/weakkey":   {},
	"spf":                {own: room},
	"dkim":               {own: append([]string{"internal/weakkey"}, room...)},
	"mx":                 {own: append([]string{"internal/dial"}, room...)},
	"mtasts":             {own: append([]string{"internal/dial", "internal/fetch"}, room...)},
	"tlsrpt":             {own: room},
	"caa":                {own: room},
	"dmarc":              {own: room, others: []string{"golang.org/x/net"}},
	"tlscert":            {own: append([]string{"internal/dial", "internal/fetch", "internal/weakkey"}, room...), others: []string{"golang.org/x/crypto"}},
	"report":             {own: []string{"check"}, others: []string{"golang.org/x/text"}},
	".":                  {own: append([]string{"provider", "internal/dial", "internal/jsonsize", "spf", "dkim", "dmarc", "mx", "mtasts", "tlsrpt", "tlscert", "caa"}, room...), others: []string{"golang.org/x/net"}},
	"internal/real":      {own: []string{"*"}},
	"internal/cli":       {own: []string{"*"}, others: []string{"github.com/spf13/cobra", "golang.org/x/term"}},
	"cmd/mailcheck":      {own: []string{"internal/cli"}},
	"examples/certs":     {own: []string{"dnsx", "dnsx/wire", "tlscert"}},
	"examples/domain":    {own: []string{".", "report", "dnsx", "dnsx/wire"}},
	"examples/lint-zone": {own: []string{".", "check", "dnsx/zone"}},
	"examples/many":      {own: []string{".", "dnsx", "dnsx/wire", "tlscert"}},
	"examples/handler":   {own: []string{"*"}},

	"account":             {own: []string{".", "check", "dnsx", "provider", "spf", "tlscert"}},
	"zendesk":             {own: []string{".", "account", "check", "dmarc", "dnsx", "internal/idn", "internal/jsonsize"}, others: []string{"github.com/hashicorp/go-retryablehttp", "go.yaml.in/yaml/v4", "golang.org/x/oauth2"}},
	"zendesk/zendesktest": {},
}

var room = []string{"check", "dnsx"}

// stdOnly may not reach another module even through this project's packages.
var stdOnly = []string{"check", "check/checktest", "dnsx", "dnsx/dnstest", "provider", "internal/dial", "internal/fetch", "internal/jsonsize", "internal/weakkey", "spf", "dkim", "mx", "mtasts", "tlsrpt", "caa", "zendesk/zendesktest"}

func TestLayers(t *testing.T) {
	for _, line := range list(t, "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...") {
		imports := strings.Fields(line)
		pkg := own(imports[0])
		may, ok := layers[pkg]
		if !ok {
			t.Errorf("%s stands in no line of layers", pkg)
			continue
		}
		for _, imported := range imports[1:] {
			switch name := own(imported); {
			case name != "":
				if !slices.Contains(may.own, name) && !slices.Contains(may.own, "*") {
					t.Errorf("%s may not import %s", pkg, name)
				}
			case strings.Contains(strings.SplitN(imported, "/", 2)[0], "."):
				if !slices.ContainsFunc(may.others, func(m string) bool { return imported == m || strings.HasPrefix(imported, m+"/") }) {
					t.Errorf("%s may not import %s", pkg, imported)
				}
			}
		}
	}
}

func TestStandardLibraryOnly(t *testing.T) {
	for _, pkg := range stdOnly {
		for _, dep := range list(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./"+pkg) {
			if own(dep) == "" {
				t.Errorf("%s reaches %s", pkg, dep)
			}
		}
	}
}

// own is the path of a package of this project within it, "" for any other.
func own(path string) string {
	if path == module {
		return "."
	}
	rest, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return ""
	}
	return rest
}

func list(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestDocumentedTests: docs/architecture.md names tests of what others get wrong. They are there.
func TestDocumentedTests(t *testing.T) {
	doc, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	var code []byte
	for _, dir := range []string{"tlscert", "report", "internal/real", "internal/cli"} {
		files, err := filepath.Glob(dir + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			code = append(code, text...)
		}
	}
	names := regexp.MustCompile("`((?:Test|Benchmark)[A-Z][A-Za-z0-9]*)`").FindAllSubmatch(doc, -1)
	if len(names) < 10 {
		t.Fatalf("%d tests are named", len(names))
	}
	for _, name := range names {
		if string(name[1]) != "TestLostAnswer" && !bytes.Contains(code, []byte("func "+string(name[1])+"(")) {
			t.Errorf("docs/architecture.md names %s, which is no test", name[1])
		}
	}
}
