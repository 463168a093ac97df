import js from '@eslint/js'
import hooks from 'eslint-plugin-react-hooks'
import ts from 'typescript-eslint'

export default ts.config(
  { ignores: ['dist', 'src/api/schema.ts'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}'],
    plugins: { 'react-hooks': hooks },
    rules: {
      'react-hooks/rules-of-hooks': 'error',
      'react-hooks/exhaustive-deps': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: 'Text from data goes through React.' },
      ],
    },
  },
  {
    files: ['scripts/**', 'src/shell/theme-early.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', localStorage: 'readonly', document: 'readonly', URL: 'readonly' } },
  },
)
