package spf

import (
	"github.com/mailcheck-go/mailcheck/check"
)

const since = "v0.1.0"

// maxFindings bounds what one rule says about one domain.
const maxFindings = 20

// Rules judge an Analysis.
func Rules(s Settings) []check.Rule[*Analysis] {
	return nil
}
