# @summary The package: program, unit and user.
# @api private
class ebpfsecurity::install {
  $source = $ebpfsecurity::package_source ? {
    undef   => {},
    default => { source => $ebpfsecurity::package_source, provider => 'dpkg' },
  }
  package { 'otelcol-ebpfsecurity':
    ensure => $ebpfsecurity::package_ensure,
    *      => $source,
  }
}
