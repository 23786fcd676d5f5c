// The one function of zlib that a Python for musl needs to encode base64: that Python leaves zlib to its system. For tests only.
unsigned long crc32(unsigned long crc, const unsigned char *bytes, unsigned length) {
  crc = ~crc & 0xffffffff;
  while (length--) {
    crc ^= *bytes++;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc & 0xffffffff;
}
