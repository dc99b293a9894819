package peers

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx/dnstest"
	"github.com/mailcheck-go/mailcheck/internal/cli"
	"github.com/mailcheck-go/mailcheck/zendesk/zendesktest"
)

// What the command writes as JSON is what docs/report.schema.json says.
func TestReportsFollowTheSchema(t *testing.T) {
	schema := strictSchema(t)
	tests := []struct {
		name string
		args string
	}{
		{"one domain", "--format json acme.example"},
		{"a parked domain", "--format json parked.example"},
		{"several domains in one document", "--format json acme.example parked.example nowhere.acme.example"},
		{"a line a domain", "--format ndjson acme.example parked.example"},
		{"a name that is an alias", "--format json support.acme.example"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, diag bytes.Buffer
			code := cli.Main(context.Background(), cli.Env{
				Args:   append(strings.Fields("domain --offline --zone ../../examples/zones"), strings.Fields(tt.args)...),
				Stdout: &out, Stderr: &diag, Stdin: strings.NewReader(""),
				Getenv: func(string) string { return "" }, Now: func() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) },
			})
			require.NotEqual(t, cli.Usage, code, diag.String())
			docs := []string{out.String()}
			if strings.Contains(tt.args, "ndjson") {
				docs = strings.Split(strings.TrimSpace(out.String()), "\n")
			}
			for _, doc := range docs {
				value, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
				require.NoError(t, err)
				require.NoError(t, schema.Validate(value))
			}
		})
	}
}

// An account's report has sections, attestations, and the reports of its domains.
func TestAccountsFollowTheSchema(t *testing.T) {
	schema := strictSchema(t)
	a := zendesktest.Acme()
	s := zendesktest.NewServer(a)
	defer s.Close()
	var out, diag bytes.Buffer
	code := cli.Main(context.Background(), cli.Env{
		Args:   []string{"account", s.URL, "--format", "json", "--skip-mx", "--per-minute", "100000", "--attestations", "../cli/testdata/account/attestations.yaml"},
		Stdout: &out, Stderr: &diag, Stdin: strings.NewReader(""), Resolver: dnstest.Must(`acme.example. TXT "v=spf1 -all"`),
		Getenv: func(name string) string { return map[string]string{"ZENDESK_OAUTH_TOKEN": a.Token}[name] },
		Now:    func() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) },
	})
	require.Equal(t, cli.Found, code, diag.String())
	value, err := jsonschema.UnmarshalJSON(&out)
	require.NoError(t, err)
	require.NoError(t, schema.Validate(value))
}

// strictSchema is the published schema with every object closed: later releases may
// add fields, but this one writes none that the schema does not name.
func strictSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	file, err := os.Open("../../docs/report.schema.json")
	require.NoError(t, err)
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	require.NoError(t, err)
	closeObjects(doc)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("strict.json", doc))
	schema, err := c.Compile("strict.json")
	require.NoError(t, err)
	return schema
}

func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if v["type"] == "object" && v["properties"] != nil {
			v["additionalProperties"] = false
		}
		for _, part := range v {
			closeObjects(part)
		}
	case []any:
		for _, part := range v {
			closeObjects(part)
		}
	}
}
