package trust

import "fmt"

// Reason is why a certificate is refused (4.10).
type Reason uint8

// Reasons. Numbers are not kept anywhere.
const (
	Corrupted Reason = iota + 1

	AuthorUnknown
	AuthorNewer
	AuthorSelfSigned
	AuthorRevoked
	AuthorNotAdmin

	AlreadyExists
	InvalidTimestamp

	RootOutsideBootstrap
	RootTimestampMismatch

	NotSequestered
	AuthorityNotFirst
	ServiceUnknown
	ServiceAlreadyRevoked

	UserUnknown
	UserNewer
	UserRevoked
	FirstDeviceAuthorMismatch
	FirstDeviceTimestampMismatch

	RealmOther
	RealmFirstNotRole
	RealmFirstNotSelfSigned
	RealmFirstNotOwner
	RealmAuthorNoRole
	RealmAuthorNotOwner
	RealmAuthorNotManager
	RealmOutsider
	RealmPromotionNotOwner
	RealmHigherRole
	RealmKeyIndex

	ShamirAlreadySetUp
	ShamirAuthorIsRecipient
	ShamirMissingShare
	ShamirUnrelated
	ShamirNotLastSetup
	ShamirRecipientsMismatch
	ShamirAlreadyDeleted
	ShamirMissingBrief
	ShamirNotAboutAuthor
)

var reasonTexts = map[Reason]string{
	Corrupted:                    "it is damaged, forged, or does not belong here",
	AuthorUnknown:                "its author is not known",
	AuthorNewer:                  "it is older than its author",
	AuthorSelfSigned:             "its author must be somebody else",
	AuthorRevoked:                "its author was revoked",
	AuthorNotAdmin:               "its author is no admin",
	AlreadyExists:                "what it makes is there already",
	InvalidTimestamp:             "it is not newer than the one before",
	RootOutsideBootstrap:         "the root key signs the first user only",
	RootTimestampMismatch:        "what the root key signs has one timestamp",
	NotSequestered:               "the organisation is not sequestered",
	AuthorityNotFirst:            "a sequester authority is the first certificate of all",
	ServiceUnknown:               "there is no such sequester service",
	ServiceAlreadyRevoked:        "the sequester service is revoked already",
	UserUnknown:                  "the user is not known",
	UserNewer:                    "it is older than the user",
	UserRevoked:                  "the user is revoked",
	FirstDeviceAuthorMismatch:    "user and first device have different authors",
	FirstDeviceTimestampMismatch: "user and first device have different timestamps",
	RealmOther:                   "it is about another realm",
	RealmFirstNotRole:            "the first certificate of a realm gives a role",
	RealmFirstNotSelfSigned:      "the first role of a realm is its author's own",
	RealmFirstNotOwner:           "the first role of a realm is OWNER",
	RealmAuthorNoRole:            "its author has no role in the realm",
	RealmAuthorNotOwner:          "its author is no OWNER of the realm",
	RealmAuthorNotManager:        "its author is no OWNER or MANAGER of the realm",
	RealmOutsider:                "an OUTSIDER cannot be OWNER or MANAGER",
	RealmPromotionNotOwner:       "one can promote oneself to OWNER only",
	RealmHigherRole:              "somebody who is active has a higher role",
	RealmKeyIndex:                "its key index is not the one that follows",
	ShamirAlreadySetUp:           "the author has a recovery already",
	ShamirAuthorIsRecipient:      "the author is among the recipients",
	ShamirMissingShare:           "the share for this user does not follow",
	ShamirUnrelated:              "it does not concern this user",
	ShamirNotLastSetup:           "it does not delete the last recovery",
	ShamirRecipientsMismatch:     "its recipients are not those of the recovery",
	ShamirAlreadyDeleted:         "the recovery is deleted already",
	ShamirMissingBrief:           "no brief with its author, timestamp and recipient comes before",
	ShamirNotAboutAuthor:         "it is not about its author",
}

// String returns the reason as the end of a sentence.
func (r Reason) String() string { return reasonTexts[r] }

// Topic is a list of certificates with one order.
type Topic uint8

// Topics, in the order in which they are added.
const (
	TopicSequester Topic = iota + 1
	TopicCommon
	TopicRealm
	TopicShamir
)

var topicNames = map[Topic]string{TopicSequester: "sequester", TopicCommon: "common", TopicRealm: "realm", TopicShamir: "shamir recovery"}

// String returns the name of the topic.
func (t Topic) String() string { return topicNames[t] }

// RefusalError says which certificate of a batch is refused, and why.
type RefusalError struct {
	Topic Topic
	// Realm counts in TopicRealm.
	Realm RealmID
	// Index is its place in its list of the batch.
	Index  int
	Reason Reason
	// Err is what made it Corrupted.
	Err error
}

func (r *RefusalError) Error() string {
	where := r.Topic.String()
	if r.Topic == TopicRealm {
		where += " " + r.Realm.String()
	}
	text := fmt.Sprintf("certificate %d of topic %s is refused: %v", r.Index, where, r.Reason)
	if r.Err != nil {
		text += ": " + r.Err.Error()
	}
	return text
}

// Unwrap returns what made the certificate Corrupted.
func (r *RefusalError) Unwrap() error { return r.Err }

// refuse is an error with a reason, which becomes a RefusalError where the place is known.
func refuse(reason Reason) error { return &RefusalError{Reason: reason} }
