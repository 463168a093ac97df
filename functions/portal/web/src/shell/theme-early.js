// Runs before the first paint, so that a chosen theme never flashes in the other. Its twin with the reasons is theme.ts.
try {
  const theme = localStorage.getItem('theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // Storage may be closed to us; then the system's theme holds.
}
