package trust

import "strings"

// The grammar of e-mail addresses is the one of the reference: RFC 5322 with white space, comments and control characters
// in some places, for an organisation with an address that we refuse could not be read. Of alternatives the first that
// matches counts, and every part takes as much as it can; nothing is tried again.

// rule takes what it matches off the front of a text, and reports whether there was something.
type rule func(s string) (rest string, ok bool)

// emailDomain returns what stands behind the @ of an address, which has no bytes beyond ASCII.
func emailDomain(s string) (domain string, ok bool) {
	rest, ok := either(s, dotAtom, quotedString)
	if !ok || !strings.HasPrefix(rest, "@") {
		return "", false
	}
	domain = rest[1:]
	rest, ok = either(domain, dotAtom, domainLiteral)
	return domain, ok && rest == ""
}

func either(s string, rules ...rule) (string, bool) {
	for _, r := range rules {
		if rest, ok := r(s); ok {
			return rest, true
		}
	}
	return s, false
}

// optional is a rule that need not match.
func optional(s string, r rule) string {
	rest, ok := r(s)
	if !ok {
		return s
	}
	return rest
}

// dotAtom is a chain of atoms: between them is a dot, with white space and comments behind it, or hyphens.
func dotAtom(s string) (string, bool) {
	s, ok := atom(optional(s, space))
	for more := ok; more; {
		after := s
		switch {
		case strings.HasPrefix(s, "."):
			after = s[1:]
			for found := true; found; {
				after, found = commentOrSpace(after)
			}
		case strings.HasPrefix(s, "-"):
			after = strings.TrimLeft(s, "-")
		}
		if after, more = atom(after); more {
			s = after
		}
	}
	return optional(s, space), ok
}

// atom is letters, digits and some signs. Hyphens stand between atoms here.
func atom(s string) (string, bool) {
	rest := strings.TrimLeftFunc(s, func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("!#$%&'*+/=?^_`{|}~", c)
	})
	return rest, rest != s
}

func quotedString(s string) (string, bool) {
	return surrounded(s, '"', '"', func(s string) (string, bool) { return either(s, visibleBut(`"\`), quotedPair) })
}

func domainLiteral(s string) (string, bool) { return surrounded(s, '[', ']', visibleBut(`[]\`)) }

// surrounded is between delimiters, and may have white space and comments around it.
func surrounded(s string, first, last byte, content rule) (string, bool) {
	s, ok := delimited(optional(s, commentOrSpace), first, last, content)
	return optional(s, commentOrSpace), ok
}

// delimited is what stands between two delimiters, white space everywhere.
func delimited(s string, first, last byte, content rule) (string, bool) {
	if s == "" || s[0] != first {
		return s, false
	}
	s = s[1:]
	for {
		after, ok := content(optional(s, folding))
		if !ok {
			break
		}
		s = after
	}
	if s = optional(s, folding); s == "" || s[0] != last {
		return s, false
	}
	return s[1:], true
}

// visibleBut is one character, control characters among them, but white space and those given.
func visibleBut(these string) rule {
	return func(s string) (string, bool) {
		if s == "" || strings.IndexByte("\x00\t\n\r ", s[0]) >= 0 || strings.IndexByte(these, s[0]) >= 0 {
			return s, false
		}
		return s[1:], true
	}
}

// quotedPair is a backslash and any character.
func quotedPair(s string) (string, bool) {
	if len(s) < 2 || s[0] != '\\' {
		return s, false
	}
	return s[2:], true
}

func comment(s string) (string, bool) {
	return delimited(s, '(', ')', func(s string) (string, bool) { return either(s, visibleBut(`()\`), quotedPair, comment) })
}

// commentOrSpace is comments with white space around them, or white space.
func commentOrSpace(s string) (string, bool) {
	found := false
	for {
		after, ok := comment(optional(s, folding))
		if !ok {
			break
		}
		s, found = after, true
	}
	after, ok := folding(s)
	return after, ok || found
}

func space(s string) (string, bool) {
	if s == "" || s[0] != ' ' && s[0] != '\t' {
		return s, false
	}
	return s[1:], true
}

// folding is white space that may go on in the next line, once.
func folding(s string) (string, bool) {
	rest := strings.TrimLeft(s, " \t")
	if next, ok := strings.CutPrefix(rest, "\r\n"); ok {
		if after := strings.TrimLeft(next, " \t"); after != next {
			return after, true
		}
	}
	return rest, rest != s
}
