package tlscert

import (
	"bytes"
	"cmp"
	"context"
	"encoding/pem"
	"io"
	"time"

	"github.com/mailcheck-go/mailcheck/dnsx"
)

// File is the protocol of certificates that nobody served: they were read from a file.
const File Protocol = "file"

// MaxFile is the size in octets up to which a file with certificates is read.
const MaxFile = 1 << 20

// FileError says why a file holds no certificates.
type FileError struct {
	File   string
	Reason string
}

func (e *FileError) Error() string { return e.File + ": " + e.Reason }

// ReadFile reads the certificates of a file as if a server had sent them, the leaf
// first: PEM, whose other blocks are passed over, or one certificate as DER.
// serverName is what the first has to be valid for; nothing where it is empty. The
// error is a *FileError or that of r.
func ReadFile(r io.Reader, file, serverName string) (*Facts, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxFile {
		return nil, &FileError{file, "over 1 MB"}
	}
	var chain [][]byte
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			chain = append(chain, block.Bytes)
		}
	}
	if chain == nil && len(data) > 0 && data[0] == 0x30 { // a SEQUENCE: DER
		chain = [][]byte{data}
	}
	switch {
	case chain == nil && bytes.Contains(data, []byte("-----BEGIN")):
		return nil, &FileError{file, "it holds no CERTIFICATE block"}
	case chain == nil:
		return nil, &FileError{file, "neither PEM nor DER"}
	}
	return &Facts{
		Domain: cmp.Or(serverName, "."), At: time.Now().UTC(),
		Hosts: []HostFacts{{
			Name: file, Protocol: File, ServerName: serverName, Why: "file", Given: true,
			Endpoints: []Endpoint{{TLS: &Session{Chain: chain}}},
		}},
	}, nil
}

// Follow fetches what the certificates point to, as Discover does for those that are
// served.
func (f *Facts) Follow(ctx context.Context, r dnsx.Resolver, o Options) {
	ctx, cancel := dnsx.WithBudget(ctx, o.Budget)
	defer cancel()
	f.follow(ctx, r, o)
}
