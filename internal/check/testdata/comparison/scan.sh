#!/bin/bash
# Lets Lynis and OpenSCAP look at this host: those tests and rules that out/tests and out/rules name.
set -euo pipefail
cd "$(dirname "$0")/out"

lynis audit system --quick --no-plugins --no-colors --tests "$(cat tests)" \
	--logfile "$PWD/lynis.log" --report-file "$PWD/lynis.dat" < /dev/null > lynis.out

# Its newest content for Debian is for 11, and says of 12 that nothing applies.
content=/usr/share/xml/scap/ssg/content
cp $content/ssg-debian11-*.xml .
sed 's#<[^<>]*:platform idref="[^"]*"/>##' $content/ssg-debian11-xccdf.xml > content.xml
oscap xccdf eval --progress --skip-validation --tailoring-file tailoring.xml --profile ours content.xml > oscap.out || [ $? = 2 ]
