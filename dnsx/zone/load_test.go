package zone_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mailcheck-go/mailcheck/dnsx/zone"
)

func TestLoad_folder(t *testing.T) {
	dir := folder(t,
		"a.example.zone", "$INCLUDE part.db\n"+soa,
		"b.example.db", soa,
		"db.c.example", soa,
		"d.example.yaml", "",
		"e.example.yml", "",
		"part.db", "www A 192.0.2.1\n", // a part of a.example: by itself it would need an origin
		"octodns.yaml", "providers: {}\n",
		"octodns.production.yaml", "providers: {}\n",
		"LICENSE", "no zone\n",
		"README.md", "no zone\n",
		"f.example", soa, // and a link to it, f.example.zone
		"f.example.txt", "no zone\n",
		"db.c.example.jnl", "no zone\n",
		"db.c.example.signed", "no zone\n",
		"db.c.example~", "no zone\n",
		".hidden.zone", "no zone\n",
		"sub/g.example.zone", "no zone\n",
		"folder.zone/x", "no zone\n",
	)
	require.NoError(t, os.Symlink("f.example", filepath.Join(dir, "f.example.zone")))
	z, err := zone.Load(dir)
	require.NoError(t, err)
	assert.Equal(t, []string{"a.example", "b.example", "c.example", "d.example", "e.example", "f.example"}, z.Apexes())
	assert.Equal(t, []string{"octodns.production.yaml: an octoDNS configuration, no zone"}, notes(z))
	assert.Equal(t, "192.0.2.1", ask(t, z, "A www.a.example"))

	t.Run("files in it named too", func(t *testing.T) {
		z, err := zone.Load(filepath.Join(dir, "b.example.db"), dir+"/", filepath.Join(dir, "sub/../a.example.zone"))
		require.NoError(t, err)
		assert.Len(t, z.Apexes(), 6)
	})
	t.Run("a file of any name", func(t *testing.T) {
		other := folder(t, "zone data", "g.example. "+soa[2:])
		z, err := zone.Load(filepath.Join(other, "zone data"), dir)
		require.NoError(t, err)
		assert.Len(t, z.Apexes(), 7)
	})
	t.Run("no path", func(t *testing.T) {
		z, err := zone.Load()
		require.NoError(t, err)
		assert.Empty(t, z.Apexes())
	})
}

func TestLoad_errors(t *testing.T) {
	dir := folder(t,
		"none/LICENSE", "no zone\n",
		"config/octodns.prod.yaml", "zones: {}\n",
		"twice/acme.example.zone", soa,
		"twice/acme.example.yaml", "",
		"records/acme.example.zone", soa+"www A 192.0.2.1\n",
		"records/more.db", "; other data\nwww.acme.example. A 192.0.2.2\n",
		"loose/a.db", "www.acme.example. A 192.0.2.1\n",
		"loose/b.db", "www.acme.example. A 192.0.2.2\n",
		"beside/acme.example.zone", soa+"www A 192.0.2.1\n",
		"beside/more.db", "www.acme.example. CNAME acme.example.\n",
		"included/acme.example.zone", soa+"$INCLUDE part.db\n",
		"included/part.db", "www A\n",
	)
	for link, to := range map[string]string{"out/out.zone": "../none/LICENSE", "dangling/gone.zone": "nowhere", "pipe/null.zone": "/dev/null"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(link)), 0o777))
		require.NoError(t, os.Symlink(to, filepath.Join(dir, link)))
	}
	tests := []struct {
		name  string
		paths []string
		want  string // DIR stands for the folder
	}{
		{name: "no such path", paths: []string{"nosuch"}, want: "zone: stat DIR/nosuch: no such file or directory"},
		{name: "no zone file in a folder", paths: []string{"none"}, want: "zone: DIR/none: no zone file in this folder: want names like *.zone, *.db, db.*, *.yaml or *.yml"},
		{name: "nothing but a configuration", paths: []string{"config"}, want: "zone: DIR/config: no zone file in this folder: want names like *.zone, *.db, db.*, *.yaml or *.yml"},
		{name: "a configuration", paths: []string{"config/octodns.prod.yaml"}, want: "zone: DIR/config/octodns.prod.yaml: an octoDNS configuration, no zone"},
		{name: "a zone twice", paths: []string{"twice"}, want: "zone: DIR/twice/acme.example.zone: the zone acme.example is in DIR/twice/acme.example.yaml too"},
		{name: "a set twice", paths: []string{"records"}, want: "zone: DIR/records/more.db:2: www.acme.example A is in DIR/records/acme.example.zone too, with other data"},
		{name: "a set twice without SOA", paths: []string{"loose"}, want: "zone: DIR/loose/b.db:1: www.acme.example A is in DIR/loose/a.db too, with other data"},
		{name: "CNAME and other data", paths: []string{"beside"}, want: "zone: DIR/beside/more.db:1: CNAME beside A at www.acme.example: a CNAME record stands alone"},
		{name: "a link out of the folder", paths: []string{"out"}, want: "zone: DIR/out/out.zone: path escapes from parent"},
		{name: "a link to nothing", paths: []string{"dangling"}, want: "zone: DIR/dangling/gone.zone: no such file or directory"},
		{name: "a link to a device", paths: []string{"pipe"}, want: "zone: DIR/pipe/null.zone: path escapes from parent"},
		{name: "in what is included", paths: []string{"included"}, want: "zone: DIR/included/part.db:1: A without data"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var paths []string
			for _, p := range tt.paths {
				paths = append(paths, filepath.Join(dir, p))
			}
			z, err := zone.Load(paths...)
			assert.Nil(t, z)
			assert.EqualError(t, err, strings.ReplaceAll(tt.want, "DIR", dir))
		})
	}
}

func TestLoad_manyErrors(t *testing.T) {
	dir := t.TempDir()
	for i := range 15 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("a%02d.example.zone", i)), []byte("\nbad\n"), 0o666))
	}
	_, err := zone.Load(dir)
	require.Error(t, err)
	all := strings.Split(err.Error(), "\n")
	require.Len(t, all, 11)
	assert.Equal(t, "zone: "+dir+`/a09.example.zone:2: want a TTL, a class or a type, have "bad"`, all[9])
	assert.Equal(t, "zone: 5 more files cannot be read", all[10])
}

func TestLimits(t *testing.T) {
	big := make([]byte, 64<<20+1)
	for i := range big {
		big[i] = '\n'
	}
	_, err := zone.Parse("acme.example.zone", big)
	assert.EqualError(t, err, "zone: acme.example.zone: over 64 MiB")
	_, err = zone.Parse("acme.example.yaml", big[:8<<20+1])
	assert.EqualError(t, err, "zone: acme.example.yaml: over 8 MiB of YAML")

	file := filepath.Join(t.TempDir(), "acme.example.zone")
	require.NoError(t, os.WriteFile(file, big, 0o666))
	_, err = zone.Load(file)
	assert.EqualError(t, err, "zone: "+file+": over 64 MiB")

	dir := folder(t, "acme.example.zone", strings.Repeat("$INCLUDE a\n", 100), "a", strings.Repeat("$INCLUDE b\n", 101), "b", "")
	_, err = zone.Load(dir)
	assert.EqualError(t, err, "zone: "+dir+"/a:3: $INCLUDE b: over 10000 files")
}

func TestZones_Records(t *testing.T) {
	dir := folder(t,
		"acme.example.zone", soa+"www A 192.0.2.2\nwww A 192.0.2.1\nsub NS ns.sub\nsub DS 1 13 2 00\nsub TXT hidden\nns.sub A 192.0.2.53\n*.w TXT x\n",
		"b.example.yaml", "'': {type: TXT, value: x}\nwww: {type: ALIAS, value: other.example.}\n",
		"more.db", "www.b.example. 60 MX 0 .\nelsewhere.example. A 192.0.2.3\n",
	)
	z, err := zone.Load(dir)
	require.NoError(t, err)
	lines := func(apex string) []string {
		var s []string
		for _, rr := range z.Records(apex) {
			s = append(s, rr.String())
		}
		return s
	}
	acme := lines("acme.example")
	require.NotEmpty(t, acme)
	assert.Contains(t, acme[0], "SOA")
	assert.Equal(t, []string{
		"*.w.acme.example. 300 IN TXT \"x\"",
		"sub.acme.example. 300 IN NS ns.sub.acme.example.",
		"sub.acme.example. 300 IN DS 1 13 2 00",
		"www.acme.example. 300 IN A 192.0.2.2",
		"www.acme.example. 300 IN A 192.0.2.1",
	}, acme[1:])
	assert.Equal(t, []string{"b.example. 3600 IN TXT \"x\"", "www.b.example. 60 IN MX 0 ."}, lines("b.example"))
	assert.Nil(t, z.Records("elsewhere.example"), "no whole zone")

	again, err := zone.Parse("acme.example.zone", []byte(strings.Join(acme, "\n")))
	require.NoError(t, err)
	assert.Equal(t, z.Records("acme.example"), again.Records("acme.example"))
}
