# SPDX-License-Identifier: GPL-2.0-or-later
# The only machine of this build (--with-devices-arm=xoom).
CONFIG_XOOM=y
