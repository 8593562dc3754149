package rules

// Commands are the names of all commands of the server, by the family's.
func Commands() map[string][]string {
	all := map[string][]string{}
	for f, commands := range handlers {
		for name := range commands {
			all[f.String()] = append(all[f.String()], name)
		}
	}
	return all
}
