// Package ck has the numbers of PKCS#11 that the agent speaks of, without its C headers:
// return values with their names and statuses, mechanisms, attributes, flags. The numbers
// are the standard's (OASIS PKCS #11 version 2.40 and 3.0).
package ck
