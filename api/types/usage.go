package types

import "time"

// Usage is what an account used in a time, and what that costs. It is the answer to GET /usage.
type Usage struct {
	Account string    `json:"Account"`
	Since   time.Time `json:"Since"`
	Until   time.Time `json:"Until"`
	// By is what Lines are made by: "resource", "kind", "day" or "month" (UTC).
	By       string `json:"By"`
	Currency string `json:"Currency"` // ISO 4217, such as USD
	// Provisional says that some of it goes on, or that the time is not over.
	Provisional bool        `json:"Provisional"`
	Lines       []UsageLine `json:"Lines"`
	Total       Amount      `json:"Total"`
}

// Amount is money, as a decimal number. It is cut, not rounded, after twelve places; zeros at the end are left out.
type Amount string

// UsageLine is the use of one thing, or of one kind of things.
type UsageLine struct {
	// Period is a day, as 2026-11-27, or a month, as 2026-11. It is absent unless Usage.By is "day" or "month".
	Period string `json:"Period,omitempty"`
	// Kind is container, rootfs, volume, snapshot, image, fip or correction.
	Kind string `json:"Kind"`
	// Class is the size of containers.
	Class string `json:"Class,omitempty"`
	// Resource is the id, of a floating IP the address. It and Name are absent unless Usage.By is "resource".
	Resource string `json:"Resource,omitempty"`
	Name     string `json:"Name,omitempty"`
	// Running says that the use goes on.
	Running bool `json:"Running,omitempty"`
	// Count is how many things it is the use of.
	Count int `json:"Count"`
	// Quantity is a decimal number of Units: "s" (seconds), "GB s" (gigabytes times seconds), "month" (calendar months), "" of corrections.
	Quantity string `json:"Quantity"`
	Unit     string `json:"Unit"`
	Amount   Amount `json:"Amount"`
}

// LedgerEntry is one interval of use, as it is in the ledger. GET /usage/entries answers with a list of them.
type LedgerEntry struct {
	// Seq is its place in the ledger of the account, from 1 on. It is 0 for use that goes on, whose End is the time of asking.
	Seq      int64     `json:"Seq"`
	Kind     string    `json:"Kind"`
	Resource string    `json:"Resource"`
	Name     string    `json:"Name"`
	Class    string    `json:"Class,omitempty"`
	Quantity int64     `json:"Quantity"` // GB of what is stored; otherwise 1
	Start    time.Time `json:"Start"`
	End      time.Time `json:"End"`
	// LeastMillis is how long is charged at least, from Start on, in milliseconds.
	LeastMillis int64  `json:"LeastMillis"`
	Amount      Amount `json:"Amount,omitempty"` // of a correction
	Note        string `json:"Note,omitempty"`   // of a correction
}

// Bill is what an account owes for a calendar month (UTC). It is the answer to GET /bill.
type Bill struct {
	Account  string `json:"Account"`
	ID       string `json:"Id"`
	Month    string `json:"Month"` // as 2026-11
	Currency string `json:"Currency"`
	// Final says that the month is over.
	Final bool       `json:"Final"`
	Lines []BillLine `json:"Lines"`
	// Total is the sum of all exact amounts, cut to whole cents.
	Total Amount `json:"Total"`
	Exact Amount `json:"Exact"`
	// Seq is the place in the ledger up to which entries were counted.
	Seq int64 `json:"Seq"`
}

// BillLine is one item at one price.
type BillLine struct {
	Kind  string `json:"Kind"`
	Class string `json:"Class,omitempty"`
	// Count is how many things it is the use of.
	Count    int    `json:"Count"`
	Quantity string `json:"Quantity"`
	Unit     string `json:"Unit"`
	// Price is per PriceUnit: "s", "GB month" (a gigabyte for 30 days) or "month" (a calendar month).
	Price     Amount `json:"Price,omitempty"`
	PriceUnit string `json:"PriceUnit,omitempty"`
	Note      string `json:"Note,omitempty"` // of a correction
	// Amount is cut to whole cents, Exact after twelve places.
	Amount Amount `json:"Amount"`
	Exact  Amount `json:"Exact"`
}

// AccountBill is the total of one account for a month. GET /bills answers the operator with a list of them.
type AccountBill struct {
	Account string `json:"Account"`
	ID      string `json:"Id"`
	// Former says that the account was removed.
	Former   bool   `json:"Former,omitempty"`
	Currency string `json:"Currency"`
	Total    Amount `json:"Total"`
	Exact    Amount `json:"Exact"`
}

// Prices are all versions of the price book, by day. It is the answer to GET /prices.
type Prices struct {
	Currency string         `json:"Currency"`
	Versions []PriceVersion `json:"Versions"`
}

// PriceVersion is what things cost from a day on.
type PriceVersion struct {
	From string `json:"From"` // as 2026-11-27; its prices begin with that day in UTC
	// Containers are per second, by size.
	Containers map[string]Amount `json:"Containers"`
	// RootFS, Volume, Snapshot and Image are per GB and 30 days.
	RootFS   Amount `json:"RootFS"`
	Volume   Amount `json:"Volume"`
	Snapshot Amount `json:"Snapshot"`
	Image    Amount `json:"Image"`
	// FloatingIP is per calendar month.
	FloatingIP Amount `json:"FloatingIP"`
	// Service is per second.
	Service Amount `json:"Service"`
}

// Estimate is what something that is not there yet would cost. It is the answer to POST /containers/estimate, whose body and query are those of
// POST /containers/create.
type Estimate struct {
	Currency string         `json:"Currency"`
	Lines    []EstimateLine `json:"Lines"`
	PerHour  Amount         `json:"PerHour"`
	PerMonth Amount         `json:"PerMonth"` // 30 days, with floating IPs for one calendar month
	// Notes are sentences about what is not counted.
	Notes []string `json:"Notes,omitempty"`
}

// EstimateLine is one thing of an estimate.
type EstimateLine struct {
	Kind     string `json:"Kind"`
	Class    string `json:"Class,omitempty"`
	Name     string `json:"Name,omitempty"`
	Quantity int64  `json:"Quantity"` // GB of what is stored; otherwise 1
	// There says that it is there already, and costs this whether or not the container starts. It is not in the sums.
	There    bool   `json:"There,omitempty"`
	PerHour  Amount `json:"PerHour,omitempty"` // absent where the price is by the calendar month
	PerMonth Amount `json:"PerMonth"`
}

// Budget is what an account may spend in a calendar month (UTC). GET, PUT and DELETE /budget are the account's own; those of
// /accounts/{name}/budget the operator's. An account may have both, and is held to both.
type Budget struct {
	Amount Amount `json:"Amount"`
	Mail   string `json:"Mail,omitempty"` // address that is written to at 80 and at 100 %
	// Stop says that containers are stopped when it is spent. Only the operator can say so.
	Stop bool `json:"Stop,omitempty"`
}

// BudgetState is an account's budgets, and where it is with them.
type BudgetState struct {
	Currency string  `json:"Currency"`
	Month    string  `json:"Month"` // as 2026-11
	Spent    Amount  `json:"Spent"`
	Own      *Budget `json:"Own,omitempty"`
	Operator *Budget `json:"Operator,omitempty"`
	// Percent is how much of the lower one is spent, cut to a whole number; absent without a budget.
	Percent *int `json:"Percent,omitempty"`
}

// CorrectionCreate asks for an entry that corrects what an account owes. It is the body of POST /accounts/{name}/corrections, the operator's.
type CorrectionCreate struct {
	Amount Amount `json:"Amount"` // as -1.50, which the account then owes less
	Note   string `json:"Note"`   // why
}
