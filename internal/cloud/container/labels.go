package container

import (
	"maps"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/oops"
)

// The platform's labels (api 19). Clients ask by them, and see them in inspect.
const (
	labelSize       = "sh_hyper_instancetype"
	labelNoAuto     = "sh_hyper_noauto_volume"
	labelProtection = "sh_hyper_container_protection"
	labelFIP        = "sh.hyper.fip"
)

// LabelFIP is the label by which a container asks for a floating IP: auto, an address, or the name of one. Which one it has is in
// another label, sh.hyper.fip.
const LabelFIP = "sh_hyper_fip"

// LabelGroup and a name, with the value yes, is the label by which a container joins a security group.
const LabelGroup = "sh_hyper_sg_"

// platformLabel tells whether a label means something to the platform or to compose on the server.
func platformLabel(k string) bool {
	return strings.HasPrefix(k, "sh_hyper_") || strings.HasPrefix(k, "sh.hyper.")
}

// takeLabels moves what the platform's labels ask for into spec and keeps the user's own.
func takeLabels(labels map[string]string, spec *Spec) error {
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		v := labels[k]
		switch {
		case k == labelSize:
			spec.Size = v
		case k == labelNoAuto:
			spec.NoAutoVolume = v == "true"
		case k == labelProtection:
			spec.Protection = v == "true"
		case strings.HasPrefix(k, LabelGroup):
			if v != "yes" {
				return oops.Invalid("the label %s has the value %q: it joins a security group when it is \"yes\", and is left out otherwise", k, v)
			}
			spec.SecGroups = append(spec.SecGroups, strings.TrimPrefix(k, LabelGroup))
		case k == LabelFIP:
			if v == "" {
				return oops.Invalid("the label %s names no floating IP: give it the value %s, or the address or name of one of the account's", LabelFIP, fip.Any)
			}
			spec.FIP.Asked = v
		case k == labelFIP:
			// The server's own; a copied container's value means nothing.
		default:
			if spec.Labels == nil {
				spec.Labels = map[string]string{}
			}
			spec.Labels[k] = v
		}
	}
	size, err := checkSize(spec.Size)
	if err != nil {
		return err
	}
	spec.Size = size
	return nil
}

// Labels are the user's labels of a container and the platform's.
func (s *Service) Labels(a account.Ref, c *Container) map[string]string {
	out := maps.Clone(c.Spec.Labels)
	if out == nil {
		out = map[string]string{}
	}
	out[labelSize] = c.Spec.Size
	out[labelFIP] = ""
	if f, ok := s.Store.View(a).FloatingIPOf(c.ID); ok {
		out[labelFIP] = f.Address.String()
	}
	if c.Spec.NoAutoVolume {
		out[labelNoAuto] = "true"
	}
	if c.Spec.Protection {
		out[labelProtection] = "true"
	}
	if c.Spec.FIP.Asked != "" {
		out[LabelFIP] = c.Spec.FIP.Asked
	}
	for _, g := range c.Spec.SecGroups {
		out[LabelGroup+g] = "yes"
	}
	return out
}
