# Builds, runs and tests Nex. `make help` lists the targets and variables.

# The configuration: the file that NEX_CONFIG names, else .config, else none, which NEX_CONFIG=default forces. Without
# one everything has its default. The build scripts of cargo read it; here only board and CPU are looked up.
NEX_CONFIG  ?= $(wildcard .config)
CONFIG_FILE := $(filter-out default,$(NEX_CONFIG))
CONFIGURED  := $(if $(CONFIG_FILE),$(shell sed -n 's/^CONFIG_\([A-Z0-9_]*\)=y[[:space:]]*$$/\1/p' '$(CONFIG_FILE)' 2>/dev/null))
ifneq ($(CONFIG_FILE),)
export NEX_CONFIG
else
unexport NEX_CONFIG
endif
CONFIG_GOALS := menuconfig defconfig savedefconfig

BOARD    ?= $(if $(filter BOARD_TEGRA2,$(CONFIGURED)),tegra2,qemu-virt)
CPU      ?= $(if $(filter tegra2 vexpress-a9,$(BOARD)),cortex-a9,$(if $(filter CPU_CORTEX_A7,$(CONFIGURED)),cortex-a7,cortex-a15))
SMP      ?= $(if $(filter tegra2,$(BOARD)),2,1)
# The Debian guests have up to 384 MiB between them.
MEM      ?= $(if $(filter tegra2,$(BOARD)),1024,$(if $(filter linux uboot linux-uboot,$(MAKECMDGOALS)),512,256))
ICOUNT   ?= 0
GDB      ?= 0
FB       ?= 0
CHECK    ?= 0
BASELINE ?= 0
DOCS     ?= 0
NATIVE   ?= 0
N        ?= 10000
SECONDS  ?= 600
ROUNDS   ?= 5
SEED     ?= 1

T        := $(or $(CARGO_TARGET_DIR),target)
ARM      := armv7a-none-eabi
RELEASE  := $(T)/$(ARM)/release
ELF      := $(RELEASE)/nex-$(BOARD)
IMAGE    := $(T)/nex-$(BOARD).bin
ANDROID  := $(T)/nex-$(BOARD).img
# The tablet has room for everything at once.
BOOTVOL  ?= $(T)/$(if $(filter tegra2,$(BOARD)),everything,default).cpio
CACHE    ?= $(T)/debian
NEXTOOL  := $(T)/debug/nextool

# What scripts/debian/files.sh can make.
DEBIAN_FILES := vmlinuz initrd.gz initrd-test.gz vmlinuz-lpae initrd-lpae.gz initrd-lpae-test.gz u-boot.bin

# What the toolchain needs besides; scripts/setup.sh may set these in toolchain.mk.
TARGET_ENV   :=
TARGET_FLAGS :=
CLIPPY_FLAGS := -- -D warnings

# Crates that only make sense on the target, and those that run on the host as well and are tested there.
TARGET_CRATES := nex-hv nex-qemu-virt nex-tegra2 nex-vexpress-a9 nex-guest nex-conformance nex-difftest nex-guest-abuse nex-guest-bench nex-guest-linux nex-guests nex-xoom-bare
HOST_CRATES   := nex-abi nex-bench nex-boot nex-config nex-console nex-debugger nex-decode nex-decoder-proof nex-devices nex-difftest-run nex-emulate nex-fbcon nex-guest nex-guestdt nex-mm nex-qemu-tests nex-rewrite nex-sched nex-symbols nex-tegra2-logic nex-vcpu nex-vmmu nex-xoom-tests nextool

# ---- Wrong values are said here, not by a tool further down ----

one_of = $(if $(filter 1,$(words $(filter $2,$($1)))),,$(error $1=$($1): must be one of: $2))
number = $(if $(filter 1,$(shell echo '$($1)' | grep -cx '[1-9][0-9]*')),,$(error $1=$($1): must be a number$2))

$(call one_of,BOARD,qemu-virt tegra2 vexpress-a9)
$(call one_of,CPU,cortex-a15 cortex-a7 cortex-a9)
$(call one_of,ICOUNT,0 1)
$(call one_of,GDB,0 1)
$(call one_of,FB,0 1)
$(call one_of,CHECK,0 1)
$(call one_of,BASELINE,0 1)
$(call one_of,DOCS,0 1)
$(call one_of,NATIVE,0 1)
$(call number,MEM, of MiB)
$(call number,SMP, of CPUs)
$(call number,SECONDS, of seconds)
$(call number,ROUNDS, of rounds)
ifeq ($(BOARD)/$(CPU),qemu-virt/cortex-a9)
$(error CPU=cortex-a9: QEMU's virt machine has none; use BOARD=vexpress-a9, or CPU=cortex-a15 or CPU=cortex-a7, which \
	Nex drives without their virtualization extensions)
endif
ifneq ($(filter tegra2 vexpress-a9,$(BOARD)),)
ifneq ($(CPU),cortex-a9)
$(error CPU=$(CPU): BOARD=$(BOARD) has a cortex-a9)
endif
endif

ifeq ($(filter $(CONFIG_GOALS) help clean setup,$(MAKECMDGOALS)),)
$(if $(CONFIG_FILE),$(if $(wildcard $(CONFIG_FILE)),,$(error NEX_CONFIG=$(NEX_CONFIG): no such file)))
endif

ifeq ($(BOARD),tegra2)
$(if $(filter 2,$(SMP)),,$(error SMP=$(SMP): BOARD=tegra2 has two CPUs))
endif
ifneq ($(filter image fastboot,$(MAKECMDGOALS)),)
$(if $(filter tegra2,$(BOARD)),,$(error BOARD=$(BOARD): boot images are for BOARD=tegra2))
endif
ifneq ($(filter bench difftest soak,$(MAKECMDGOALS)),)
$(if $(filter qemu-virt tegra2,$(BOARD)),,$(error BOARD=$(BOARD): this is for BOARD=qemu-virt or BOARD=tegra2))
endif
ifneq ($(filter stress,$(MAKECMDGOALS)),)
$(if $(filter qemu-virt,$(BOARD)),,$(error BOARD=$(BOARD): this is for BOARD=qemu-virt))
endif
ifneq ($(filter log,$(MAKECMDGOALS)),)
$(if $(PORT),,$(error PORT is missing: make log PORT=/dev/ttyUSB0))
endif
ifneq ($(filter bootvol,$(MAKECMDGOALS)),)
$(if $(and $(DIR),$(OUT)),,$(error DIR or OUT is missing: make bootvol DIR=directory OUT=file.cpio))
endif

# ---- Targets ----

.PHONY: all build board guests bootvol everything image fastboot qemu linux uboot linux-uboot debian linux-tests soak stress log bench difftest test test-xoom lint clippy fmt doc configs size setup $(CONFIG_GOALS) clean help FORCE
.DEFAULT_GOAL := all

all: build

# Runs scripts/setup.sh first, whatever is made, unless it is one of these.
ifneq ($(filter-out help clean setup $(CONFIG_GOALS),$(or $(MAKECMDGOALS),all)),)
include $(T)/toolchain.mk
endif
$(T)/toolchain.mk: FORCE
	@scripts/setup.sh $@

setup: ## install what is missing; look for rustup's toolchain again
	@rm -f $(T)/toolchain.mk
	@scripts/setup.sh $(T)/toolchain.mk
	@head -n 1 $(T)/toolchain.mk

build: board $(T)/default.cpio ## the image for BOARD, the sample guests and the default boot volume (also: make)

$(NEXTOOL): FORCE
	@cargo build --quiet --package nextool

board: $(NEXTOOL)
	$(TARGET_ENV) cargo build --release --target $(ARM) $(TARGET_FLAGS) --package nex-$(BOARD)
	$(NEXTOOL) image --elf $(ELF) --out $(IMAGE)

guests:
	$(TARGET_ENV) cargo build --release --target $(ARM) $(TARGET_FLAGS) --package nex-guests --package nex-guest-abuse --package nex-conformance

$(T)/default.cpio: guests $(NEXTOOL) FORCE
	$(NEXTOOL) bootvol --dir guest-kit/volumes/default --guests $(RELEASE) --out $@

bootvol: $(NEXTOOL) guests ## pack the directory DIR into the boot volume OUT; sample guests are added where nex.toml names them
	$(NEXTOOL) bootvol --dir $(DIR) --guests $(RELEASE) --out $(OUT)

# APPEND and QEMU_ARGS come from the command line or the environment, and are passed on by make itself.
qemu: build ## build, then boot BOOTVOL on QEMU with the console on this terminal
ifeq ($(BOARD),tegra2)
qemu: image
	@MEM=$(MEM) ICOUNT=$(ICOUNT) GDB=$(GDB) FB=$(FB) NEXTOOL=$(NEXTOOL) scripts/qemu-xoom.sh $(ANDROID) $(ELF)
else
	@BOARD=$(BOARD) CPU=$(CPU) SMP=$(SMP) MEM=$(MEM) ICOUNT=$(ICOUNT) GDB=$(GDB) FB=$(FB) NEXTOOL=$(NEXTOOL) scripts/qemu.sh $(IMAGE) $(BOOTVOL) $(ELF)
endif

# Packed each time: it is quick, and what is in it may have changed.
everything: $(NEXTOOL) guests ## the boot volume with sample guests, U-Boot and Linux twice, target/everything.cpio
	@scripts/debian/volume.sh everything $(T)/volumes/everything
	$(NEXTOOL) bootvol --dir $(T)/volumes/everything --guests $(RELEASE) --out $(T)/everything.cpio
everything: export CACHE := $(CACHE)

# APPEND goes through the environment, as it may hold anything.
image: export APPEND := $(value APPEND)
image: build $(if $(filter $(T)/everything.cpio,$(BOOTVOL)),everything) ## BOARD=tegra2: the Android boot image with Nex and BOOTVOL, target/nex-tegra2.img (docs/xoom.md)
	$(NEXTOOL) bootimg --kernel $(IMAGE) --bootvol $(BOOTVOL) --cmdline="$$APPEND" --out $(ANDROID)

fastboot: image ## BOARD=tegra2: boot that image on a tablet, once, without writing to it
	@command -v fastboot >/dev/null || { echo 'fastboot is missing (Debian: apt install fastboot)' >&2; exit 1; }
	fastboot boot $(ANDROID)

# KERNEL, INITRD, CMDLINE and UBOOT may hold anything, so they go through the environment and not through the shell.
linux uboot linux-uboot: export CACHE := $(CACHE)
linux linux-uboot: export KERNEL := $(value KERNEL)
linux linux-uboot: export INITRD := $(value INITRD)
linux linux-uboot: export CMDLINE := $(value CMDLINE)
uboot linux-uboot: export UBOOT := $(value UBOOT)
linux: ## boot Debian's Linux twice, as dom0 and domU (docs/guests.md); or KERNEL=zImage INITRD=file CMDLINE="words"
uboot: ## boot Debian's U-Boot as a domain's firmware; or UBOOT=file
linux-uboot: ## two Linux domains and two U-Boots at once
linux uboot linux-uboot: export APPEND := $(value APPEND)
linux uboot linux-uboot: board
	@scripts/debian/volume.sh $@ $(T)/volumes/$@
	$(NEXTOOL) bootvol --dir $(T)/volumes/$@ --guests $(RELEASE) --out $(T)/$@.cpio
ifeq ($(BOARD),tegra2)
	$(NEXTOOL) bootimg --kernel $(IMAGE) --bootvol $(T)/$@.cpio --cmdline="$$APPEND" --out $(T)/$@.img
	@MEM=$(MEM) ICOUNT=$(ICOUNT) GDB=$(GDB) FB=$(FB) NEXTOOL=$(NEXTOOL) scripts/qemu-xoom.sh $(T)/$@.img $(ELF)
else
	@BOARD=$(BOARD) CPU=$(CPU) SMP=$(SMP) MEM=$(MEM) ICOUNT=$(ICOUNT) GDB=$(GDB) FB=$(FB) NEXTOOL=$(NEXTOOL) scripts/qemu.sh $(IMAGE) $(T)/$@.cpio $(ELF)
endif

debian: ## fetch and make all files of the Debian guests, into CACHE, for use without a network
	@scripts/debian/files.sh $(CACHE) $(DEBIAN_FILES)

log: $(NEXTOOL) ## show the console on the serial port PORT, with the log records of BOARD's last build decoded
	@$(NEXTOOL) log --elf $(ELF) $(PORT)

# The kernel, and the initial RAM disk with programs, for the tests and the benchmark with Linux.
linux-tests:
	$(TARGET_ENV) cargo build --release --target $(ARM) $(TARGET_FLAGS) --package nex-guest-linux
	@scripts/debian/files.sh $(CACHE) vmlinuz
	@scripts/debian/tests.sh $(T)/linux-tests.gz $(CACHE) $(RELEASE)

# For the tablet, the QEMU with both machines, the tablet and `virt`, is ours.
ifeq ($(BOARD),tegra2)
XOOM_QEMU = NEX_QEMU="$$(scripts/build-qemu-xoom.sh)" NEX_TEST_BOARD=tegra2 NEX_ELF="$(abspath $(ELF))"
endif

# The long tests with Linux, which `make test` does not run.
soak stress: export NEX_IMAGE := $(abspath $(IMAGE))
soak stress: export NEX_GUESTS_DIR := $(abspath $(RELEASE))
soak stress: export NEX_LINUX_KERNEL := $(abspath $(CACHE))/vmlinuz
soak: export NEX_LINUX_INITRD := $(abspath $(T))/linux-tests.gz
soak: export NEX_SOAK_SECONDS := $(SECONDS)
soak: export NEX_SOAK_ROUNDS := $(ROUNDS)
stress: export NEX_LINUX_STRESS := $(abspath $(T))/linux-stress.gz
soak stress: export NEX_CPU := $(CPU)
soak: board linux-tests ## Linux at work in two domains at once for SECONDS of virtual time, with its results checked (docs/guests.md)
	$(XOOM_QEMU) cargo test --package nex-qemu-tests --test soak -- --ignored --nocapture

stress: board ## Debian's stress-ng, natively and in a domain, compared (docs/guests.md)
	@scripts/debian/files.sh $(CACHE) vmlinuz
	@scripts/debian/stress.sh $(T)/linux-stress.gz $(CACHE)
	cargo test --package nex-qemu-tests --test stress -- --ignored --nocapture

# BENCH_LINUX is not empty if the groups with Linux are wanted.
BENCH_LINUX := $(if $(GROUPS),$(filter linux domu,$(GROUPS)),yes)
BENCH_PAGES := $(if $(filter 1,$(DOCS)),--docs docs/performance.md $(if $(filter qemu-virt,$(BOARD)),--readme README.md))
ifneq ($(FROM),)
bench:
	@cargo run --quiet --package nex-bench -- --from $(FROM) --board $(BOARD) $(BENCH_PAGES)
else
bench: $(if $(filter 1,$(NATIVE)),,board) ## what a kernel's and Linux's operations cost natively and under Nex (docs/performance.md)
	$(TARGET_ENV) cargo build --release --target $(ARM) $(TARGET_FLAGS) --package nex-guest-bench
	$(if $(BENCH_LINUX),@$(MAKE) --no-print-directory linux-tests)
	@$(XOOM_QEMU) cargo run --quiet --package nex-bench -- --guest $(RELEASE)/nex-guest-bench --kernel $(CACHE)/vmlinuz --initrd $(T)/linux-tests.gz \
		--image $(IMAGE) --board $(BOARD) --cpu $(CPU) --out $(T)/bench.json $(if $(GROUPS),--groups "$(GROUPS)") \
		$(if $(filter 1,$(NATIVE)),--native) $(if $(filter 1,$(CHECK)),--check bench/$(CPU).json) \
		$(if $(filter 1,$(BASELINE)),--baseline bench/$(CPU).json) $(BENCH_PAGES)
endif

difftest: board ## N random cases from SEED, natively and under Nex, compared (docs/virtualization.md)
	$(TARGET_ENV) cargo build --release --target $(ARM) $(TARGET_FLAGS) --package nex-difftest
	@$(XOOM_QEMU) cargo run --quiet --package nex-difftest-run -- --guest $(RELEASE)/difftest --image $(IMAGE) --board $(BOARD) --cpu $(CPU) --cases $(N) --seed $(SEED)

test: ## all checks and tests, on the host and in QEMU; the last line counts them
	@scripts/test.sh $(abspath $(T))

test-xoom: ## test the emulated Xoom, and Nex on it, in all ways; TIER=generic: what is quick, as `make test` does
	@TARGET_ENV="$(TARGET_ENV)" TARGET_FLAGS="$(TARGET_FLAGS)" CACHE="$(CACHE)" scripts/test-xoom.sh $(TIER)

lint clippy: ## formatting and clippy, for host and target
	cargo fmt --all --check
	cargo clippy $(HOST_CRATES:%=--package %) --all-targets $(CLIPPY_FLAGS)
	$(TARGET_ENV) cargo clippy --release --target $(ARM) $(TARGET_FLAGS) $(TARGET_CRATES:%=--package %) $(CLIPPY_FLAGS)

fmt: ## format all code
	cargo fmt --all

doc: ## API documentation, in target/doc
	cargo doc --no-deps --document-private-items

# Into directories of their own, so that neither these nor the next `make` build everything anew; both at once, and without
# debug information, which no size contains.
CONFIGS = smallest largest
CONFIG_BUILD = NEX_CONFIG=scripts/configs/$$config.config CARGO_PROFILE_RELEASE_DEBUG=false $(TARGET_ENV) cargo build --release \
	--target $(ARM) $(TARGET_FLAGS) --target-dir $(T)/$$config --package nex-qemu-virt
configs: $(NEXTOOL) ## build the smallest and the largest configuration (scripts/configs), and print their sizes
	@for config in $(CONFIGS); do $(CONFIG_BUILD) >$(T)/$$config.log 2>&1 & done; wait
	@status=0; for config in $(CONFIGS); do \
		echo "$$config configuration:"; \
		cat $(T)/$$config.log; \
		$(CONFIG_BUILD) --quiet && $(NEXTOOL) size --elf $(T)/$$config/$(ARM)/release/nex-qemu-virt || status=1; \
	done; exit $$status

size: board ## what the image consists of, and the limit
	@$(NEXTOOL) size --elf $(ELF)

menuconfig: ## edit the configuration, .config (docs/configuration.md); NEX_CONFIG=file edits another file
	@scripts/menuconfig.sh $(T)/kconfiglib "$(or $(CONFIG_FILE),.config)" menuconfig

defconfig: ## write .config with all defaults, or with what FROM=file sets
	@scripts/menuconfig.sh $(T)/kconfiglib "$(or $(CONFIG_FILE),.config)" defconfig $(if $(FROM),"$(FROM)")

savedefconfig: ## write what .config has other than the defaults to OUT=file
	@scripts/menuconfig.sh $(T)/kconfiglib "$(or $(CONFIG_FILE),.config)" savedefconfig "$(or $(OUT),defconfig)"

clean: ## remove everything that was built
	rm -rf $(T)

help: ## this list
	@echo 'Targets:'
	@sed -n 's/^\([a-z -]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | awk -F '|' '{ printf "  %-12s %s\n", $$1, $$2 }'
	@echo 'Variables:'
	@echo '  BOARD=qemu-virt|tegra2|vexpress-a9'
	@echo '  CPU=cortex-a15|cortex-a7   (cortex-a9 with the other boards)'
	@echo '  MEM=MiB  SMP=n             the machine; default 256 (linux, uboot: 512; tegra2: 1024) and 1 (tegra2: 2)'
	@echo '  BOOTVOL=file.cpio          what to boot; default: target/default.cpio (tegra2: target/everything.cpio)'
	@echo '  CACHE=directory            where the Debian packages are kept; default: target/debian'
	@echo '  APPEND="words"             more for the command line of Nex'
	@echo '  ICOUNT=1                   count instructions as nanoseconds: every run is the same'
	@echo '  GDB=1                      wait for gdb on port 1234'
	@echo '  FB=1                       with a screen, in a window; APPEND="fb=1024x768" for another size than 800x600'
	@echo '  CHECK=1                    make bench: fail if a ratio is more than 5 % above that in bench/CPU.json'
	@echo '  BASELINE=1  DOCS=1         make bench: write that file; write the table into docs/performance.md and README.md'
	@echo '  FROM=file                  make bench: show the table of an earlier bench.json'
	@echo '  GROUPS="kernel linux domu" make bench: those only; default: all'
	@echo '  N=cases  SEED=number       make difftest: how many, and which; default 10000 and 1'
	@echo '  SECONDS=n  ROUNDS=n        make soak: how long, in virtual time, and how many rounds in it; default 600 and 5'
	@echo '  NATIVE=1                   make bench: natively only'
	@echo '  NEX_CONFIG=file            the configuration; default: .config, or defaults. NEX_CONFIG=default: defaults'
	@echo '  QEMU_ARGS="..."            more for the command line of QEMU'
	@echo 'In `make qemu`, Ctrl-] x quits, and Ctrl-A three times switches the input.'
