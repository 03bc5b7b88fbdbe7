package metering

// RootFSGB is what is charged for the root file system of a container, in GB.
const RootFSGB = 10

// ImageGB is how many GB are charged for an image of so many bytes: whole ones of 10^9 bytes, rounded up, and one at least.
func ImageGB(bytes int64) int64 {
	const gb = 1_000_000_000
	return max(1, (bytes+gb-1)/gb)
}
