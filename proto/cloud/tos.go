package cloud

import "github.com/seed-73b3884f/parsec-agent/trust"

// TOSAcceptReq is tos_accept: accepts the terms of service of the given update time.
//
//codec:cmd tos_accept TOS
//codec:rep OK NoTOS TOSMismatch
type TOSAcceptReq struct {
	TOSUpdatedOn trust.DateTime `mp:"tos_updated_on"`
}

// TOSGetReq is tos_get: current terms of service: locale to URL map and last update.
//
//codec:cmd tos_get TOS
//codec:rep TOSGetOK NoTOS
type TOSGetReq struct{}

// TOSGetOK is ok of tos_get.
//
//codec:status ok
type TOSGetOK struct {
	PerLocaleURLs map[string]string `mp:"per_locale_urls,max=maxLocales,each=maxURL"`
	UpdatedOn     trust.DateTime    `mp:"updated_on"`
}
