package zendesk

func general(Settings) []rule { return nil }
