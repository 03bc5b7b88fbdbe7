package types

// LabelAutoRemove = "true" on a volume makes it go with its container, as one that nobody gave a name does.
const LabelAutoRemove = "autoremove"

// VolumeSource says what a volume is to be filled with.
type VolumeSource struct {
	// Name is the volume's.
	Name string `json:"Name"`
	// Source is an address (http://, https://, git://), or an absolute path of the client's machine.
	Source string `json:"Source"`
}

// VolumeUpload is where the client is to send its files; the zero VolumeUpload asks for none.
type VolumeUpload struct {
	// Session is ended by PUT /volumes/uploadfinish.
	Session string
	// Cookie is appended to an uploader as the query "cookie".
	Cookie string
	// Uploaders are addresses by the name of the volume.
	Uploaders map[string]string
}
