package cli

import "regexp"

// respelled are errors of docker/cli's whose words scripts of the first client look for (cli 1.5, 3.6).
var respelled = []struct {
	docker *regexp.Regexp
	hyper  string
}{
	{regexp.MustCompile(`^cannot attach to a stopped container, start it first$`), "You cannot attach to a stopped container, start it first"},
	{regexp.MustCompile(`^cannot attach stdin to a TTY-enabled container because stdin is not a terminal$`), "cannot enable tty mode on non tty input"},
	{regexp.MustCompile(`^you cannot start and attach multiple containers at once$`), "You cannot start and attach multiple containers at once."},
	{regexp.MustCompile(`^failed to start containers: (.*)$`), "Error: failed to start containers: $1"},
	{regexp.MustCompile(`^failed to rename container: new name cannot be blank$`), "Error: Neither old nor new names may be empty"},
	{regexp.MustCompile(`^failed to rename container: (.*)$`), "$1"},
}

// respell puts an error into those words.
func respell(text string) string {
	for _, r := range respelled {
		if r.docker.MatchString(text) {
			return r.docker.ReplaceAllString(text, r.hyper)
		}
	}
	return text
}
