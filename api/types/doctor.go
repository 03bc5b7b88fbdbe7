package types

// DoctorReport is the answer of GET /doctor, and of POST /doctor/mend.
type DoctorReport struct {
	// Well is true when nothing has drifted and nothing is wrong, or all that had drifted is mended.
	Well bool `json:"Well"`
	// Checks are those of the machine first, then of each account.
	Checks []DoctorCheck `json:"Checks"`
	// Failed is a sentence about mending that failed, if it did.
	Failed string `json:"Failed,omitempty"`
}

// DoctorCheck is one thing that was looked at.
type DoctorCheck struct {
	// Account is its name; empty for the machine.
	Account string `json:"Account,omitempty"`
	// Name is a word or two: rules, uplink, disk, ...
	Name string `json:"Name"`
	// Fact is worth knowing, and may be empty.
	Fact     string          `json:"Fact,omitempty"`
	Findings []DoctorFinding `json:"Findings"`
}

// DoctorFinding is a way in which the machine is not as hyperd's records say.
type DoctorFinding struct {
	// Kind is "drift", what mending repairs; "problem", what somebody has to look at; or "note", with which nothing is wrong.
	Kind string `json:"Kind"`
	// Text is a sentence without a full stop.
	Text string `json:"Text"`
	// Lines are firewall rules: "- " is missing, "+ " is there and should not be.
	Lines []string `json:"Lines,omitempty"`
	// Mended tells that it was so, and is not any more.
	Mended bool `json:"Mended,omitempty"`
}
