# @summary The security sensor otelcol-ebpfsecurity on a host.
#
# @example With packages from your repository, and events to a gateway
#   class { 'ebpfsecurity':
#     otlp_endpoint => 'https://otel-gateway.example.com:4318',
#   }
#
# @param ensure whether it is there
# @param package_ensure which version; 'latest' follows the repository
# @param package_source a .deb file, where no repository has the package
# @param config the whole configuration, in place of the template's
# @param metrics_address where Prometheus finds the metrics
# @param otlp_endpoint where the events go by OTLP over HTTP; without it they stay in the log file
# @param log_megabytes when the log file is rotated; the exporter refuses a batch that is larger than a whole file
# @param log_backups how many rotated ones are kept
# @param log_days how long at most
# @param minimum_kernel older kernels are left alone: before 5.8 there are no log records
class ebpfsecurity (
  Enum['present', 'absent']       $ensure          = 'present',
  String[1]                       $package_ensure  = 'installed',
  Optional[Pattern[/^\//]]        $package_source  = undef,
  Optional[String[1]]             $config          = undef,
  String[1]                       $metrics_address = '127.0.0.1:9102',
  Optional[String[1]]             $otlp_endpoint   = undef,
  Integer[32]                     $log_megabytes   = 100,
  Integer[1]                      $log_backups     = 10,
  Integer[1]                      $log_days        = 30,
  String[1]                       $minimum_kernel  = '5.8',
) {
  if $ensure == 'absent' {
    contain ebpfsecurity::remove
  } elsif versioncmp($facts['kernelversion'], $minimum_kernel) < 0 {
    notice("ebpfsecurity: skipped, Linux ${facts['kernelversion']} is older than ${minimum_kernel}")
  } else {
    contain ebpfsecurity::install
    contain ebpfsecurity::config
    contain ebpfsecurity::service
    Class['ebpfsecurity::install'] -> Class['ebpfsecurity::config'] ~> Class['ebpfsecurity::service']
    Class['ebpfsecurity::install'] ~> Class['ebpfsecurity::service']
  }
}
