package cli

import "github.com/mailcheck-go/mailcheck/spf"

// Documents are values of the documents in JSON that the commands of SPF write.
func Documents() map[string]any {
	return map[string]any{"tree": spfTree{}, "senders": spfSenders{}, "flatten": flattenJSON{}, "check": verdictDocument{}, "facts": spf.Facts{}}
}

// ReadSPFInput is what "spf lint" makes of its input: the texts of the records.
func ReadSPFInput(data []byte) ([]string, error) {
	in, err := readSPFInput(data)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, r := range in.records {
		texts = append(texts, r.text())
	}
	return texts, nil
}
