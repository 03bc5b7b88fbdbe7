package client

import (
	"context"
	"net/http"

	"github.com/hypercloud/hyper/api/types"
)

// Doctor compares the machine with hyperd's records. It is the operator's.
func (c *Client) Doctor(ctx context.Context) (types.DoctorReport, error) {
	var report types.DoctorReport
	err := c.call(ctx, http.MethodGet, "/doctor", nil, nil, &report)
	return report, err
}

// DoctorMend repairs what has drifted, and reports what it was. It is the operator's.
func (c *Client) DoctorMend(ctx context.Context) (types.DoctorReport, error) {
	var report types.DoctorReport
	err := c.call(ctx, http.MethodPost, "/doctor/mend", nil, nil, &report)
	return report, err
}
