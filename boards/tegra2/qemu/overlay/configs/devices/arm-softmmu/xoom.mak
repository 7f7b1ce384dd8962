# SPDX-License-Identifier: GPL-2.0-or-later
# The machines of this build (--with-devices-arm=xoom): the tablet, and what guests are compared with.
CONFIG_XOOM=y
CONFIG_ARM_VIRT=y
