// Package s3test starts object stores for tests: real S3 gateways (versitygw) over a
// directory, which end with the test or with the test program. The address of a gateway
// stays the same when it is killed and started again. Without the gateway the test is
// skipped, under CI it fails; make builds it into .tools.
package s3test
