package cli

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
