package account

import (
	"errors"

	"github.com/mailcheck-go/mailcheck/dnsx"
	"github.com/mailcheck-go/mailcheck/tlscert"
)

// ErrAbsent is wrapped by the error of a Source that has no facts of a name: what
// rests on them is then not known.
var ErrAbsent = errors.New("account: no facts")

// aboutName reports an error that is about one name and not about the run.
func aboutName(err error) bool {
	var name *dnsx.NameError
	var host *tlscert.HostError
	return errors.As(err, &name) || errors.As(err, &host) || errors.Is(err, ErrAbsent)
}
