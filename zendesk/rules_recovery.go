package zendesk

func recovery(Settings) []rule { return nil }
