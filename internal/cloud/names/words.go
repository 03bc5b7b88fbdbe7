package names

// adjectives are friendly, and none of them says anything about a person's looks or origin.
var adjectives = []string{
	"able", "agile", "airy", "alert", "amber", "ample", "arctic", "artful", "autumn", "azure", "balmy", "bold",
	"brave", "breezy", "bright", "brisk", "bronze", "calm", "candid", "careful", "cheerful", "civil", "clear",
	"clever", "cloudless", "coastal", "copper", "cosmic", "crisp", "curious", "dapper", "daring", "deft",
	"diligent", "eager", "early", "earnest", "easy", "elegant", "even", "fair", "fearless", "festive", "fine",
	"fleet", "fluent", "fond", "frank", "fresh", "gallant", "genial", "gentle", "gifted", "glad", "golden",
	"graceful", "grand", "green", "handy", "happy", "hardy", "hearty", "honest", "humble", "jolly", "jovial",
	"keen", "kind", "lively", "loyal", "lucid", "lunar", "mellow", "merry", "mighty", "mild", "modest", "neat",
	"nimble", "noble", "northern", "patient", "placid", "playful", "polite", "proud", "prudent", "quick",
	"quiet", "ready", "rustic", "sage", "serene", "sharp", "silver", "sincere", "sleek", "snug", "solar",
	"spry", "steady", "sturdy", "sunny", "swift", "tidy", "tranquil", "trusty", "upbeat", "valiant", "velvet",
	"vivid", "warm", "wise", "witty", "young", "zesty",
}

// surnames are of people in computing, mathematics and the natural sciences.
var surnames = []string{
	"abel", "adleman", "agnesi", "aiken", "alhazen", "allen", "ampere", "archimedes", "avicenna", "babbage",
	"backus", "bardeen", "bartik", "bell", "bernoulli", "bessel", "bohr", "boole", "borg", "born", "bose",
	"brahe", "brahmagupta", "braille", "brattain", "cantor", "carson", "carver", "cauchy", "cavendish",
	"celsius", "cerf", "chandrasekhar", "chebyshev", "church", "clarke", "codd", "conway", "copernicus",
	"coulomb", "curie", "dahl", "dalton", "darwin", "davy", "descartes", "dijkstra", "diophantus", "dirac",
	"doppler", "drake", "dyson", "eckert", "edison", "einstein", "elion", "engelbart", "eratosthenes", "erdos",
	"euclid", "euler", "faraday", "fermat", "fermi", "feynman", "fibonacci", "fischer", "floyd", "fourier",
	"franklin", "fresnel", "galileo", "galois", "gauss", "germain", "godel", "goeppert", "goldberg", "hadamard",
	"haldane", "halley", "hamilton", "hamming", "heaviside", "hertz", "hilbert", "hoare", "hodgkin",
	"hollerith", "hopper", "hubble", "huffman", "huygens", "hypatia", "jacquard", "johnson", "joule", "kahn",
	"kalman", "kay", "kelvin", "kepler", "khayyam", "kilby", "kleene", "knuth", "kolmogorov", "kovalevskaya",
	"lagrange", "lamarr", "landau", "laplace", "leavitt", "leibniz", "liskov", "lorentz", "lovelace", "mach",
	"marconi", "maxwell", "mccarthy", "meitner", "mendel", "mendeleev", "milner", "minsky", "morse", "napier",
	"nash", "naur", "newell", "newton", "noether", "nygaard", "ohm", "pascal", "pasteur", "pauli", "perlman",
	"planck", "poincare", "ptolemy", "raman", "ramanujan", "rayleigh", "riemann", "ritchie", "rubin",
	"rutherford", "sagan", "salk", "shannon", "sinclair", "somerville", "stallman", "tarjan", "tesla",
	"thompson", "torvalds", "turing", "volta", "watt", "wiles", "wilkes", "wirth", "wozniak", "yalow", "zuse",
}
