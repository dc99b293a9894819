package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/internal/cli"
	"github.com/mailcheck-go/mailcheck/report"
)

// The explanation is that of a hostile domain.
const spfLines = `
bad.example.  TXT "v=spf1 mx a:gone.example -include:x.example exp=e.bad.example -all"
bad.example.  MX 10 mx.bad.example.
mx.bad.example. A 192.0.2.1
x.example.    TXT "v=spf1 ip4:192.0.2.7"
e.bad.example. TXT "%{i} is none of ours; see https://%{d}/?s=%{S}"
slow.example. TXT !timeout
tree.example. TXT "v=spf1 a mx ip4:192.0.2.1 ip6:2001:db8::/32 include:b.tree.example exists:%{i}.%{p}.tree.example include:%{l}.tree.example include:b.tree.example ip4:192.0.2.2 redirect=tree.example"
b.tree.example. TXT "v=spf1 include:slow.example include:c.tree.example include:gone.example include:x.example ?all include:after.example"
c.tree.example. TXT "v=spf1 mx ipv4:1.2.3.4"
none.example. TXT "v=spf1 -all"
own.example.  TXT "v=spf1 a ip4:198.51.100.0/24 ip4:198.51.100.7 include:_spf.own.example include:spf.sender.test ~all"
own.example.  A 203.0.113.7
own.example.  AAAA 2001:db8::7
_spf.own.example. TXT "v=spf1 include:mail.zendesk.com ip6:2001:db8::/48 -all"
mail.zendesk.com. TXT "v=spf1 ip4:203.0.113.0/24 -all"
spf.sender.test. TXT "v=spf1 ip4:192.0.2.1 ip4:192.0.2.3 ip4:192.0.2.5 ip4:192.0.2.7 ip4:192.0.2.9 ip4:192.0.2.11 ip4:192.0.2.13 ip4:192.0.2.15 ip4:192.0.2.17 ip4:192.0.2.19 ip4:192.0.2.32/27 ip4:192.0.2.64/26 exists:%{i}.sender.test -all"
loop.example. TXT "v=spf1 include:pool.example -all"
pool.example. TXT "v=spf1 include:loop.example -all"
four.example. TXT "v=spf1 a include:slow.example -all"
four.example. A  192.0.2.1
open.example. TXT "v=spf1 +all"
several.example. TXT "v=spf1 mx -all"
several.example. TXT "v=spf1 a -all"
hostile.example. TXT "v=spf1 a:\027[31mred.example include:b.example a:a-label-that-is-longer-than-a-line.of-eighty-columns-has-room-for.in-any-terminal.example ~a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -a -all"
b.example. TXT "v=spf1 include:\226\128\174x.example"
`

func TestSPFGolden(t *testing.T) {
	tests := []struct{ name, args string }{
		{"spf-pass.txt", "spf check " + zones + "--ip 203.0.113.70 --from user@acme.example --trace"},
		{"spf-permerror.txt", "spf check " + zones + "--ip 192.0.2.1 --from user@acme.example"},
		{"spf-fail.txt", "spf check --ip 192.0.2.7 --from <a&b@bad.example> --trace"},
		{"spf-fail-ja.txt", "spf check --ip 192.0.2.7 --from a&b@bad.example --lang ja"},
		{"spf-permerror-ja.txt", "spf check " + zones + "--ip 192.0.2.1 --from user@acme.example --lang ja"},
		{"spf-fail.json", "spf check --ip 192.0.2.7 --from a&b@bad.example --format json"},
		{"spf-temperror.json", "spf check --ip 192.0.2.7 --from user@slow.example --format json"},
		{"spf-loop.txt", "spf check --ip 192.0.2.7 --from user@loop.example"},
		{"spf-several.json", "spf check --ip 192.0.2.7 --from user@several.example --format json"},
		{"spf-none.txt", "spf check --ip 2001:db8::7 --helo [192.0.2.7]"},
		{"spf-tree.txt", "spf tree " + zones + "acme.example"},
		{"spf-tree-bad.txt", "spf tree tree.example"},
		{"spf-tree-bad.json", "spf tree --format json tree.example"},
		{"spf-tree-hostile.txt", "spf tree hostile.example"},
		{"spf-senders.txt", "spf senders " + zones + "acme.example"},
		{"spf-senders.json", "spf senders --format json own.example"},
		{"spf-senders-folded.txt", "spf senders own.example"},
		{"spf-senders-all.txt", "spf senders --all own.example"},
		{"spf-senders-several.txt", "spf senders own.example tree.example slow.example gone.example none.example"},
		{"spf-senders-zones.txt", "spf senders " + zones},
		{"spf-tree-ja.txt", "spf tree --lang ja tree.example"},
		{"spf-tree-families.txt", "spf tree four.example"},
		{"spf-tree-families-ja.txt", "spf tree --lang ja four.example"},
		{"spf-senders-everybody-ja.txt", "spf senders --lang ja open.example"},
		{"spf-senders-ja.txt", "spf senders --lang ja own.example"},
		{"spf-senders-several-ja.txt", "spf senders --lang ja own.example tree.example slow.example gone.example none.example"},
		{"spf-help.txt", "spf check --help"},
		{"spf-tree-help.txt", "spf tree --help"},
		{"spf-senders-help.txt", "spf senders --help"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, dnstest.Must(spfLines), "", words(tt.args)...)
			require.NotEqual(t, cli.Usage, got.code, got.err)
			golden(t, tt.name, got.out)
		})
	}
}

func TestSPFExitStatus(t *testing.T) {
	tests := []struct {
		name, args string
		want       int
	}{
		{"pass", "spf check --ip 192.0.2.1 --from user@bad.example", cli.Clean},
		{"fail", "spf check --ip 192.0.2.7 --from bad.example", cli.Found},
		{"none", "spf check --ip 192.0.2.7 --from user@gone.example", cli.Found},
		{"temperror", "spf check --ip 192.0.2.7 --helo slow.example", cli.NotKnown},
		{"no client", "spf check --from user@bad.example", cli.Usage},
		{"a client that is none", "spf check --ip 192.0.2.300 --from user@bad.example", cli.Usage},
		{"nobody", "spf check --ip 192.0.2.7", cli.Usage},
		{"a format that is none", "spf check --ip 192.0.2.7 --from bad.example --format xml", cli.Usage},
		{"a language that is none", "spf check --ip 192.0.2.7 --from bad.example --lang fr", cli.Usage},
		{"an argument too many", "spf check bad.example --ip 192.0.2.7 --from bad.example", cli.Usage},
		{"a client with a zone", "spf check --ip fe80::1%eth0 --from user@bad.example", cli.Usage},
		{"a header for an address", "spf check --ip 192.0.2.1 --from Bob<user@bad.example>", cli.Usage},
		{"brackets in brackets", "spf check --ip 192.0.2.1 --from <MAIL<user@bad.example>>", cli.Usage},
		{"a command with its colon", "spf check --ip 192.0.2.1 --from from:user@bad.example", cli.Usage},
		{"quotes with a bracket in them", `spf check --ip 192.0.2.1 --from "a<\">b"@bad.example`, cli.Clean},
		{"a reverse-path in brackets", "spf check --ip 192.0.2.1 --from <user@bad.example>", cli.Clean},
		{"a literal", "spf check --ip 192.0.2.1 --from user@[192.0.2.1]", cli.Found},
		{"an empty label", "spf check --ip 192.0.2.1 --from user@a..b", cli.Found},
		{"offline, and a name of one label, of which nobody is asked", "spf check " + zones + "--ip 192.0.2.7 --helo localhost", cli.Found},
		{"a shell that is none", "completion tcsh", cli.Usage},
		{"shells", "completion", cli.Clean},
		{"offline, and a name in no zone", "spf check " + zones + "--ip 192.0.2.7 --from user@bad.example", cli.Usage},
		{"no time at all", "spf check --timeout 0s --ip 192.0.2.7 --from user@bad.example", cli.Usage},
		{"help", "spf", cli.Clean},
		{"a tree", "spf tree bad.example", cli.Clean},
		{"a tree of nothing", "spf tree gone.example", cli.Found},
		{"a tree that could not be read", "spf tree slow.example", cli.NotKnown},
		{"a tree of no name", "spf tree a..b", cli.Usage},
		{"a tree without a name", "spf tree", cli.Usage},
		{"a tree in no format", "spf tree --format xml bad.example", cli.Usage},
		{"senders", "spf senders own.example", cli.Clean},
		{"senders of nothing", "spf senders gone.example", cli.Found},
		{"senders that could not be read", "spf senders slow.example", cli.NotKnown},
		{"senders of several, one of which has none and one is not known", "spf senders own.example slow.example gone.example", cli.Found},
		{"senders of several, one of which is not known", "spf senders own.example slow.example", cli.NotKnown},
		{"senders of no name", "spf senders own.example a..b", cli.Usage},
		{"senders of no name at all", "spf senders a..b", cli.Usage},
		{"senders of nobody", "spf senders", cli.Usage},
		{"senders in no language", "spf senders --lang fr own.example", cli.Usage},
		{"a tree to a folder that is not there", "spf tree --output nowhere/tree bad.example", cli.Usage},
		{"senders in no format", "spf senders --format xml own.example", cli.Usage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, dnstest.Must(spfLines), "", words(tt.args)...)
			assert.Equal(t, tt.want, got.code, got.err+got.out)
		})
	}
}

// A bad name among several is said, and the others are listed.
func TestSPFSendersBadName(t *testing.T) {
	got := run(t, dnstest.Must(spfLines), "", words("spf senders own.example a..b none.example")...)
	assert.Equal(t, cli.Usage, got.code)
	assert.Contains(t, got.err, `mailcheck: "a..b"`)
	assert.Contains(t, got.out, "own.example")
	assert.Contains(t, got.out, "of 2 domains")
}

// What is left out of a list is counted by what gets a pass of it.
func TestSPFSendersFolded(t *testing.T) {
	const zone = `
acme.example.    TXT "v=spf1 -ip4:198.51.100.64/26 include:many.example -all"
many.example.    TXT "v=spf1 ip4:192.0.2.0/25 ip4:203.0.113.0/25 ip4:198.18.0.0/25 ip4:198.18.1.0/25 ip4:198.18.2.0/25 ip4:198.18.3.0/25 ip4:198.51.100.96/27 ip4:198.51.100.32/27 -all"
`
	got := run(t, dnstest.Must(zone), "", words("spf senders acme.example")...)
	assert.Equal(t, cli.Clean, got.code, got.err)
	assert.Contains(t, got.out, "… and 2 more: 32 IPv4 addresses (--all)")
}

// What the commands write to a file is what they write to standard output.
func TestSPFOutput(t *testing.T) {
	zone := flatFile(t, flatZone())
	for _, args := range []string{
		"spf check --ip 192.0.2.1 --from plain.flat.example", "spf tree flat.example", "spf tree --format json flat.example",
		"spf senders flat.example", "spf flatten --format zone flat.example", "spf flatten plain.flat.example --check --from v=spf1,ip4:192.0.2.1,-all",
	} {
		t.Run(args, func(t *testing.T) {
			all := words(args + " " + zone)
			for i := range all {
				all[i] = strings.ReplaceAll(all[i], "v=spf1,ip4:192.0.2.1,-all", "v=spf1 ip4:192.0.2.1 -all")
			}
			want := run(t, nil, "", all...)
			file := filepath.Join(t.TempDir(), "out")
			got := run(t, nil, "", append(all, "--output", file)...)
			assert.Equal(t, result{code: want.code, err: want.err}, got)
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, want.out, string(data))
		})
	}
}

// Whatever a record has, no line is wider than the terminal, but for the records to
// publish, and nothing in it moves the cursor or turns the direction of writing.
func TestSPFHostileIsDrawnWithinTheTerminal(t *testing.T) {
	name := strings.Repeat("%{l1r-}.", 25) + strings.Repeat("x", 63) + ".example"
	long := dnsx.NewTXT("long.example", 60, "v=spf1 include:p.example include:"+name+" exists:"+name+" a:"+name+" include:"+strings.Repeat("a-label.", 28)+
		"example mx -all exp="+name).String()
	var many strings.Builder
	many.WriteString("v=spf1")
	for i := range 100 {
		fmt.Fprintf(&many, " include:i%d.example", i)
	}
	zone := spfLines + long + "\n" + dnsx.NewTXT("many.example", 60, many.String()+" -all").String() + `
p.example. TXT "v=spf1 ip4:192.0.2.1 ip4:198.51.100.0/24 -all"
loop.example. TXT "v=spf1 include:loop2.example -all"
loop2.example. TXT "v=spf1 ip4:192.0.2.1 include:loop.example -all"
bidi.example. TXT "v=spf1 include:p.example include:\226\128\174moc.example \027[2Ja:h.example -all"
wide.example. TXT "v=spf1 include:p.example ` + strings.Repeat(`\230\188\162`, 50) + ` -all"
long.example. MX 10 p.example.
`
	for _, domain := range []string{"long", "many", "loop", "bidi", "wide", "hostile", "tree"} {
		for _, command := range []string{"tree", "tree --all", "senders", "senders long.example", "flatten", "check --trace --ip 192.0.2.1 --from"} {
			for _, lang := range []string{"en", "ja"} {
				args := words("spf " + command + " " + domain + ".example --lang " + lang)
				got := run(t, dnstest.Must(zone), "", args...)
				require.NotEqual(t, cli.Usage, got.code, got.err)
				for line := range strings.Lines(got.out) {
					line = strings.TrimSuffix(line, "\n")
					assert.Equal(t, report.Clean(line), line, "%s", args)
					if !strings.Contains(line, " IN TXT ") {
						assert.LessOrEqual(t, report.Columns(line), 80, "%s: %s", args, line)
					}
				}
			}
		}
	}
}

// Scripts read these fields without looking whether they are there.
func TestSPFVerdictHasAllFields(t *testing.T) {
	for name, args := range map[string]string{
		"pass":      "--ip 192.0.2.1 --from user@bad.example",
		"fail":      "--ip 192.0.2.7 --from user@bad.example",
		"none":      "--ip 192.0.2.7 --from user@gone.example",
		"permerror": "--ip 192.0.2.9 --from user@c.tree.example",
		"temperror": "--ip 192.0.2.7 --from user@slow.example",
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, dnstest.Must(spfLines), "", words("spf check --format json "+args)...)
			var v map[string]any
			require.NoError(t, json.Unmarshal([]byte(got.out), &v), got.err)
			kinds := map[string]string{}
			for _, field := range []string{"result", "explanation", "mechanism", "path", "lookups", "void_lookups", "problem"} {
				value, ok := v[field]
				if assert.True(t, ok, "%s is not there", field) {
					kinds[field] = fmt.Sprintf("%T", value)
				}
			}
			problem := "map[string]interface {}"
			if name == "pass" || name == "fail" {
				problem = "<nil>"
			}
			assert.Equal(t, map[string]string{
				"result": "string", "explanation": "string", "mechanism": "string", "path": "[]interface {}",
				"lookups": "float64", "void_lookups": "float64", "problem": problem,
			}, kinds)
			assert.Equal(t, name, v["result"])
		})
	}
}
