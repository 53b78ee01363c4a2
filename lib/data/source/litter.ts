/** Hidden files, and what macOS and Windows leave behind. */
export function isLitter(name: string): boolean {
  return name.startsWith('.') || ['thumbs.db', 'desktop.ini', 'icon\r', '__macosx'].includes(name.toLowerCase());
}
