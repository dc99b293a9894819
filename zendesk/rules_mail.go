package zendesk

func mail(Settings) []rule { return nil }
