// Package receiver is the OpenTelemetry face of the project: an OpenTelemetry
// Collector receiver that turns what the sensor counts into metrics, and what it
// reports into log records.
package receiver

//go:generate go tool mdatagen metadata.yaml
//go:generate sed -i -f documentation.sed documentation.md
