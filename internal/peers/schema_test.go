package peers

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/internal/cli"
)

// What the command writes as JSON is what docs/report.schema.json says.
func TestReportsFollowTheSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../docs/report.schema.json")
	require.NoError(t, err)
	tests := []struct {
		name string
		args string
	}{
		{"one domain", "--format json acme.example"},
		{"a parked domain", "--format json parked.example"},
		{"several domains in one document", "--format json acme.example parked.example nowhere.acme.example"},
		{"a line a domain", "--format ndjson acme.example parked.example"},
		{"a domain of which nothing is known", "--format json unknown.example"},
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
