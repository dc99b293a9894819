package caa

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// IssuersOf returns the domain names by which a CA goes in CAA records, the one that
// it asks for first, as the CA itself declares them. The organization is that of the
// certificate's issuer (O in its name), in any case. It is nil where that is not
// known: then nothing follows from the records.
//
// The data is issuers.json, embedded; each entry names its sources and how sure they
// make it. Organizations that issue below several CAs are left out.
func IssuersOf(organization string) []string {
	return slices.Clone(issuersByName()[organizationKey(organization)])
}

//go:embed issuers.json
var issuersJSON []byte

// authority is a CA. Confidence is high where the CA's own pages agree with the Common
// CA Database (CCADB), medium where only that has it, low where others say so.
type authority struct {
	Organizations []string `json:"organizations"`
	Issuers       []string `json:"issuers"`
	Confidence    string   `json:"confidence"`
	Sources       []string `json:"sources"`
}

var issuersByName = sync.OnceValue(func() map[string][]string {
	var all []authority
	if err := json.Unmarshal(issuersJSON, &all); err != nil {
		panic(err) // the build is broken, and a test says so first
	}
	byName := map[string][]string{}
	for _, ca := range all {
		for _, name := range ca.Organizations {
			byName[organizationKey(name)] = ca.Issuers
		}
	}
	return byName
})

// organizationKey takes out what CAs write now in one way and now in another: case,
// blanks and the commas and dots of company forms.
func organizationKey(name string) string {
	return strings.Join(strings.Fields(strings.ToLower(strings.NewReplacer(",", " ", ".", " ").Replace(name))), " ")
}
