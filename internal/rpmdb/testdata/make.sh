#!/usr/bin/env bash
# Makes databases with three packages in DIR, with RPM itself: rpmdb.sqlite and
# its write-ahead log as it is while a transaction has not been written back,
# Packages.db (NDB), Packages (Berkeley DB), and rpm-qa, which is what RPM reads.
set -euo pipefail
dir=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { # name version epoch number-of-files
	cat > "$work/$1.spec" <<-SPEC
		Name: $1
		Version: $2
		Release: 1
		Epoch: $3
		Summary: a package
		License: none
		BuildArch: noarch
		%description
		A package.
		%install
		mkdir -p %{buildroot}/usr/share/$1 %{buildroot}/usr/bin
		touch %{buildroot}/usr/bin/$1
		for i in \$(seq $4); do touch %{buildroot}/usr/share/$1/file-with-a-long-name-\$i; done
		%files
		/usr/bin/$1
		/usr/share/$1
	SPEC
	[ "$3" != none ] || sed -i /^Epoch/d "$work/$1.spec"
	rpmbuild -bb --quiet --define "_topdir $work/top" "$work/$1.spec"
}
build small 1.0 none 1
build large 2.5 3 300
build later 7 0 40

rpm=(rpm --dbpath "$work/sqlite" --define "_db_backend sqlite")
install=("${rpm[@]}" -i --force-debian --justdb --nodeps)
"${rpm[@]}" --initdb
"${install[@]}" "$work"/top/RPMS/noarch/{small,large}-*.rpm

# A reader keeps SQLite from writing the log back to the database.
mkdir -p "$dir"
/usr/bin/python3 - "$work/sqlite/rpmdb.sqlite" "$dir" "${install[@]}" "$work"/top/RPMS/noarch/later-*.rpm <<'PY'
import shutil, sqlite3, subprocess, sys
reader = sqlite3.connect(sys.argv[1], isolation_level=None)
reader.execute("BEGIN")
reader.execute("SELECT count(*) FROM Packages").fetchone()
subprocess.run(sys.argv[3:], check=True)
for suffix in "", "-wal":
    shutil.copy(sys.argv[1] + suffix, sys.argv[2])
PY
"${rpm[@]}" -qa --qf '%{NAME} %{EVR} %{INSTALLTIME} [%{FILENAMES} ]\n' | sort > "$dir/rpm-qa"

# Debian's RPM writes neither of the others: the same headers, put in by
# Berkeley DB, and as RPM's lib/backend/ndb/rpmpkg.c describes.
/usr/bin/python3 - "$work/sqlite/rpmdb.sqlite" "$dir/Packages.db" <<'PY' | db5.3_load -T -t hash "$dir/Packages"
import sqlite3, struct, sys, zlib
rows = sqlite3.connect(sys.argv[1]).execute("SELECT hnum, blob FROM Packages").fetchall()

text = lambda b: "".join("\\%02x" % c for c in b)
print(text(bytes(4)) + "\n" + text(bytes([len(rows), 0, 0, 0])))
for number, blob in rows:
    print(text(number.to_bytes(4, "little")) + "\n" + text(blob))

slots, blobs = b"", b""
for number, blob in rows:
    size = -(-(16 + len(blob) + 12) // 16)
    slots += b"Slot" + struct.pack("<3I", number, (4096 + len(blobs)) // 16, size)
    blobs += (b"BlbS" + struct.pack("<3I", number, 1, len(blob)) + blob).ljust(16 * size - 12, b"\0")
    blobs += struct.pack("<2I", zlib.adler32(blob), len(blob)) + b"BlbE"
slots += b"Slot".ljust(16, b"\0") * ((4096 - 32 - len(slots)) // 16)
header = b"RpmP" + struct.pack("<7I", 0, 1, 1, len(rows) + 1, 0, 0, 0)
open(sys.argv[2], "wb").write(header + slots + blobs)
PY

# Small ones for fuzzing: a package in a page, and one that goes on in others.
/usr/bin/python3 - "$dir/tiny.sqlite" <<'PY' | db5.3_load -T -t hash -c db_pagesize=512 "$dir/tiny.berkeley"
import sqlite3, struct, sys
def header(name, version, summary):
    texts = [(1000, name), (1001, version), (1002, "1.el9"), (1004, summary)]
    index, data = struct.pack(">4I", 1008, 4, 0, 1), struct.pack(">I", 1700000000 + len(name))
    for tag, text in texts:
        index += struct.pack(">4I", tag, 6, len(data), 1)
        data += text.encode() + b"\0"
    return struct.pack(">2I", len(texts) + 1, len(data)) + index + data

rows = [(1, header("bash", "5.1.8", "A shell")), (2, header("openssh-server", "8.7p1", "A server. " * 70))]
db = sqlite3.connect(sys.argv[1])
db.executescript("PRAGMA page_size = 512; CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
db.executemany("INSERT INTO Packages VALUES (?, ?)", rows)
db.commit()
text = lambda b: "".join("\\%02x" % c for c in b)
for number, blob in rows:
    print(text(number.to_bytes(4, "little")) + "\n" + text(blob))
PY
