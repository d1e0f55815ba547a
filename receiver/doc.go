// Package receiver is the OpenTelemetry face of the project: an OpenTelemetry
// Collector receiver that turns what the sensor counts into metrics.
package receiver

//go:generate go tool mdatagen metadata.yaml
