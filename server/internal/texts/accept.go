package texts

import (
	"strconv"
	"strings"
)

// maxAccepted bounds how many languages of a header are looked at.
const maxAccepted = 32

// Accepted returns the language that a browser likes best of those that there are, by its header Accept-Language.
func Accepted(header string) Language {
	best, liked, n := English, 0.0, 0
	for part := range strings.SplitSeq(header, ",") {
		if n++; n > maxAccepted {
			break
		}
		tag, parameter, _ := strings.Cut(strings.TrimSpace(part), ";")
		quality := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
			var err error
			if quality, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		primary, _, _ := strings.Cut(tag, "-")
		for _, l := range Languages {
			if strings.EqualFold(primary, string(l)) && quality > liked {
				best, liked = l, quality
			}
		}
	}
	return best
}
